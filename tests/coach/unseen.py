"""Questions in learners' words, written down in three rounds, each before the coach was asked any of it.

Before a round was used to improve the coach, it answered 42 %, then 68 %, then 77 % of one where it should.

Under each page: what is asked, and the sections that may answer it. On an exercise page the second word may
be `@label`, the place of a finding that must be talked about; `rule`, the ladder's rule with a question;
`try`, the advice to run a guess; `unknown`, an honest no.
"""

from __future__ import annotations

LESSONS = {
    "parallel-execution": """
        do i get 5x if i start 5 requests together? | sum-or-maximum
        one lookup takes 2s and the other two 100ms, worth parallelizing? | sum-or-maximum critical-path
        total time when everything runs side by side | sum-or-maximum critical-path
        where does the 600ms story about klarna come from, is it believable | sum-or-maximum
        will my bill go up if I fire everything at once | sum-or-maximum
        how do i figure out what has to wait for what | dependency-graph
        my function b needs the output of a, can they still overlap | dependency-graph
        i use two asyncio.gather calls one after the other, is this a problem? | dependency-graph
        what's wrong with doing it in stages | dependency-graph
        i drew an arrow that isn't needed, does it hurt? | dependency-graph
        two of my tasks need each other's result | dependency-graph
        psycopg2 inside an async function, what happens | blocking-calls
        everything freezes while my sql query runs | blocking-calls
        do I need a thread for a sync library | blocking-calls
        does adding await fix a blocking function? | blocking-calls
        which tool call should i make faster to get a faster agent | critical-path
        i removed a step and nothing changed in the total time | critical-path
        how much can this task be delayed before anyone notices | critical-path
        after fixing the slowest chain what is the next bottleneck | critical-path
        should i start the web search before the router says so | speculation break-even
        is it dangerous to start a payment early in case we need it | speculation
        70 percent chance times 500 ms, is that right | speculation break-even
        how did notebooklm hide the embedding fetch | speculation
        at what likelihood should i start early | break-even
        how do i put a dollar figure on latency | break-even
        i throw away half of my early results, is that ok | break-even speculation speculation-against-limits
        my five agents return huge pages and the writer needs ages to read them | fan-in wide-fan-out
        can i show the first part while other agents still run | fan-in
        which model should merge the results | fan-in
        does llamaindex do fan out | fan-in
        three database reads of 200ms each, how long at once? | sum-or-maximum
        why did going parallel only shave off a bit | sum-or-maximum critical-path
        do i save tokens by running stuff concurrently | sum-or-maximum
        what do i have to draw before i make things parallel | dependency-graph
        how can i tell that a step doesn't read another step's output | dependency-graph
        a results in b and b results in a, what now | dependency-graph
        is Promise.all a barrier | dependency-graph
        my weather step waits for the news step for no reason | dependency-graph
        can time.sleep block other users | blocking-calls
        do i have to rewrite my sync orm | blocking-calls
        i speed up the calendar lookup but the briefing comes at the same time | critical-path
        how do i compute the longest chain | critical-path
        which task can be made cheaper without anyone noticing | critical-path
        is starting early always good | speculation break-even speculation-against-limits
        can i reserve a seat speculatively | speculation
        why can hiding never save more than half | speculation
        what if the verdict comes very fast | speculation
        a tool costs 0.3 cents and is needed half of the time, early or not | break-even speculation
        who decides what a second is worth | break-even
        join of many results is slow | fan-in
        workers send me whole web pages, bad? | fan-in wide-fan-out
        do all sub agents have to be finished before i answer | fan-in wide-fan-out
        two api calls of one second, how long if both go out at once | sum-or-maximum
        why is concurrency not reducing my invoice | sum-or-maximum
        i have 10 tools, how do i know the right sequence | dependency-graph
        what does an unnecessary arrow cost | dependency-graph
        should the second group wait until the first group is complete | dependency-graph
        boto3 in a coroutine | blocking-calls
        my event loop is stuck for 300 ms | blocking-calls
        which step dominates the runtime | critical-path
        halving a step brought only 100ms | critical-path
        start the tool while the classifier still thinks | speculation break-even
        does fetching ahead waste anything | speculation
        when is a guess too expensive | break-even speculation-against-limits speculation
        the final summary waits for the slowest search | fan-in wide-fan-out
        what should a subagent hand back | fan-in
    """,
    "prompt-caching": """
        does caching reuse my old answers | what-is-kept
        how does a provider skip reading the same text again | what-is-kept
        how many seconds do i save with a 50k system prompt | what-is-kept
        is the answer worse with a cached prompt | what-is-kept
        why does the total time hardly change when the cache hits | what-is-kept
        my prompt has 300 tokens, will it be cached? | rules task-first-against-stable-first
        is there an error message when nothing gets cached | rules
        what do i pay for a cache write | rules breakpoints
        how do i know that i got a hit | rules
        does one extra space destroy the cache? | rules order
        when does the five minute clock start | rules
        i put the date in the system prompt | order
        my tool descriptions change between calls | order
        where should today's date go | order
        can i delete old messages from the chat to save tokens | order
        what comes first, tools or system prompt? | order
        each customer has a name in the prompt, does that break sharing | sharing order
        10 lawyers work on one contract, how many copies are stored | sharing
        handbook first or instructions first | sharing task-first-against-stable-first
        should user preferences go before or after the docs | sharing
        how many marks am i allowed to set | breakpoints
        i put cache_control on the last message | breakpoints
        how often must i read until the one hour price pays | breakpoints keep-alive-against-one-hour
        does gpt-4o need marks | breakpoints
        can i mix 5m and 1h | breakpoints
        first customer in the morning always waits long | warming
        how do i prewarm at 9 o'clock | warming
        is it useful to warm all documents over night | warming
        users think for 10 minutes between questions | gaps keep-alive-against-one-hour
        which ttl for my chatbot | gaps
        do the pings cost anything? | gaps keep-alive-against-one-hour
        what does the provider keep from my prompt | what-is-kept
        does a hit also make writing the answer faster | what-is-kept
        first word appears after 4 seconds, why | what-is-kept streaming where-time-goes
        is 600 tokens long enough | rules
        does the lifetime restart on a hit | rules
        i changed a single character and everything is cold | rules order
        what's the minimum length these days | rules
        why must the timestamp go to the end | order
        can i insert a new instruction in the middle of the chat | order
        i renamed a tool, is my cache gone | order
        my greeting with the customer's name stands at the top | sharing order
        same manual, different employees, one cache? | sharing
        instructions are equal for all products, where do they go | sharing order
        marking the question, is that wrong? | breakpoints
        when is the write price earned back | breakpoints rules
        does openai want marks too | breakpoints
        team starts at 8, when do i prime | warming
        should i preload every contract at night | warming
        coffee breaks of 15 minutes kill my cache | gaps keep-alive-against-one-hour
        what do i tell the user when the cache is cold | gaps
        is a ping a full request? | gaps keep-alive-against-one-hour
        are keys and values of later tokens affected by earlier ones | what-is-kept
        how much ttft do i save with 45k tokens cached | what-is-kept
        what's the price factor for reads | rules
        do older models have another minimum | rules
        which tokens are still loaded if line 3 changes | order rules
        i want to tidy up the history | order
        user specific text before the shared document, bad idea? | sharing order
        which block goes first if several teams use it | sharing order
        what does a breakpoint on the user's question do | breakpoints
        is it four breakpoints at most | breakpoints
        our office opens at 9, what do we send before | warming
        does warming cost money when nobody comes | warming
        most gaps are under three minutes | gaps
        does the client have to keep pinging after the user left | gaps keep-alive-against-one-hour
    """,
    "prompt-and-output": """
        why is generating so much slower than reading | where-time-goes
        is it better to cut my prompt or to cut my answer | where-time-goes
        how many ms does one output token take | where-time-goes
        does a 10k token prompt slow me down a lot | where-time-goes
        where do the seconds go in one llm call | where-time-goes
        brex got 44 percent, how | task-first
        does the model start writing before it has read everything | task-first
        should i put the instruction at the top of the prompt | task-first task-first-against-stable-first
        which parts of my system prompt can i delete | keep-the-rules
        how do i know if a sentence in the background matters | keep-the-rules
        i deleted the company history and now some tickets go wrong | keep-the-rules
        how to test a shortened prompt | keep-the-rules
        the model writes an essay although i only need a label | schema
        how do i force json | schema
        my json answers are still way too long | schema
        can i start the assistant message with { | schema
        does a token limit cut my answer in the middle | schema
        how much time does structured output save | schema
        should i let it think step by step | reasoning
        are hidden thinking tokens free | reasoning
        can i switch off thinking | reasoning
        is extended thinking worth it for a simple classification | reasoning tiers
        when would haiku be enough | tiers
        is an extra classifier call not a waste of time | tiers
        customers with hard questions say it got slower since we route | tiers
        is opus overkill for putting emails into folders | tiers
        does streaming reduce the total time | streaming
        what can i show people during the tool phase | streaming
        what should the first sentence contain | streaming
        why did copilot users feel less delay | streaming
        is a spinner enough while waiting | streaming
        reading 1000 tokens vs writing 1000 tokens | where-time-goes
        if i drop 500 words from the answer what do i win | where-time-goes
        is the long system prompt why i am slow | where-time-goes what-is-kept
        did the brex team really gain by reordering | task-first
        is it true that the task on top makes the first token earlier | task-first
        can i throw away the about-us text | keep-the-rules
        after shortening, the swiss customers go to the wrong team | keep-the-rules
        how do i prove no rule got lost | keep-the-rules
        replies start with Certainly, here is... how do i stop that | schema
        what is the difference between a schema and a length limit | schema
        max_tokens truncates my reply | schema
        is prefill still allowed with claude 4.6 | schema
        think step by step made everything slow | reasoning
        invisible reasoning, does it take time | reasoning
        how do i find out if reasoning helps | reasoning
        what is sonnet for | tiers
        how do i pick the right model size | tiers
        does routing make the hard cases slower | tiers
        is it a bad idea to use the strongest model for labels | tiers
        does streaming make the model write faster | streaming
        people stare at a blank page | streaming
        is showing progress honest | streaming
        cutting an answer from 800 to 300 tokens | where-time-goes
        why does each output token depend on the one before | where-time-goes
        our prompt begins with the company story | task-first keep-the-rules
        which sentences are rules and which are decoration | keep-the-rules
        accuracy is the same on average, am i safe? | keep-the-rules
        the model adds polite phrases around the json | schema
        should every text field have a maximum | schema
        does effort low make it faster | reasoning
        is chain of thought a waste for tagging | reasoning
        five to ten times more tokens because of thinking? | reasoning
        which claude model for sorting mails | tiers
        how does the median change with routing | tiers
        what is better, fast total or early first words | streaming
        tell users what the agent is doing | streaming
    """,
    "trade-offs": """
        is streaming always better? | streaming-against-checking streaming
        I have 6 agents over one document, what do I do | parallel-against-cache
        what if my users pause a lot | keep-alive-against-one-hour gaps
        all my workers pay the write price, how do i avoid that | parallel-against-cache
        do i wait for the first response before i launch the rest | parallel-against-cache
        my orchestrator plans for 3 seconds, can i use that time | parallel-against-cache
        do cached tokens count against my rate limit | parallel-against-cache
        the question changes each time but the document stays | task-first-against-stable-first order
        our prompt is tiny, does ordering matter? | task-first-against-stable-first
        how much slower is it when the question stands above the pdf | task-first-against-stable-first order
        we start three tools early and at peak hours everything crawls | speculation-against-limits
        how expensive are the guesses we throw away | speculation-against-limits
        should guessed calls have lower priority | speculation-against-limits
        we get throttled by the api | speculation-against-limits parallel-against-cache
        our users go to lunch for 40 minutes | keep-alive-against-one-hour
        half of our users never come back, should we still ping | keep-alive-against-one-hour
        how many pings until the hour is cheaper | keep-alive-against-one-hour
        a session pauses for 70 minutes | keep-alive-against-one-hour
        our legal team says nothing may be displayed unchecked | streaming-against-checking
        can i moderate each sentence as it is written | streaming-against-checking
        what if the last sentence contradicts the first | streaming-against-checking
        my agent quotes prices and a wrong one is binding | streaming-against-checking
        can a regex do the check | streaming-against-checking
        we send easy turns to haiku and hard ones to opus in the same chat | routing-against-cache
        my router makes the conversation slower, how come | routing-against-cache tiers
        is a cold small model slower than a warm big one | routing-against-cache
        at which point of the dialogue should i choose the model | routing-against-cache
        one of my 20 branches is always late | wide-fan-out
        should i send the same request twice | wide-fan-out
        is hedging dangerous when the provider is overloaded | wide-fan-out
        can i answer with 4 of 5 results | wide-fan-out
        is it worth summarizing 2000 token results before merging | wide-fan-out fan-in
        which of these techniques should i never use together | wide-fan-out
        parallel or cheap, i cannot have both? | parallel-against-cache
        my agent fans out to 12 workers with the same long contract | parallel-against-cache
        should the first call go alone? | parallel-against-cache
        is it still worth priming if somebody used it a minute ago | parallel-against-cache
        we use claude and hit the input token limit | parallel-against-cache speculation-against-limits
        where does the user's question go, top or bottom | task-first-against-stable-first order
        our prompt is only 350 tokens long | task-first-against-stable-first rules
        we speculate on everything and black friday killed us | speculation-against-limits
        what happens to discarded calls when traffic is high | speculation-against-limits
        lunch break, ping or long ttl? | keep-alive-against-one-hour
        what if nobody returns after the break | keep-alive-against-one-hour
        my users are in meetings for 2 hours | keep-alive-against-one-hour gaps
        we show medical advice, can we stream it | streaming-against-checking
        streaming or safe? | streaming-against-checking
        how late is the first sentence if i check each one | streaming-against-checking
        we switch between two models during a chat | routing-against-cache
        is it smart to use a cheap model for the easy turns | routing-against-cache tiers
        what if one search hangs | wide-fan-out
        p95 gets worse the more agents i add | wide-fan-out
        does a backup request cost a lot | wide-fan-out
        we summarize every branch, good idea? | wide-fan-out fan-in
        i want everything: parallel, cached, streamed | wide-fan-out streaming-against-checking
        what gets in the way of streaming | streaming-against-checking
        our agent books hotels and we want it faster | speculation critical-path speculation-against-limits
        i launch 10 subagents at the same moment and none hits the cache | parallel-against-cache
        how long does the first agent need before the others may go | parallel-against-cache
        question before document: does it hurt? | task-first-against-stable-first order
        i put the instructions for each job above the 40k document | task-first-against-stable-first order
        our early tool calls eat the quota | speculation-against-limits
        which early calls should i give up first under load | speculation-against-limits
        users read for 20 minutes before they ask again | keep-alive-against-one-hour gaps
        is letting it expire ever the cheapest | keep-alive-against-one-hour
        compliance must approve every sentence | streaming-against-checking
        can users see wrong text before the filter stops it | streaming-against-checking
        i change the model after the tenth message | routing-against-cache
        every model has its own cache? | routing-against-cache
        chance that at least one of ten branches is slow | wide-fan-out
        what do i do about one slow subagent | wide-fan-out
        two agents that share nothing | parallel-against-cache sum-or-maximum wide-fan-out unknown
    """,
}
EXERCISES = {
    "travel-agent": """
        why does compose take so long | @Compose
        whats the problem with the loyalty tier | @Loyalty
        just tell me which arrow is missing | rule
        which arrow do i have to remove | rule
        is it the loyalty tier? | try
        should lounge access start early? | try speculation break-even @Lounge
        what does slack mean | critical-path
        what is a barrier again | dependency-graph
        what about the lounge access | @Lounge
        how does a thread pool help | blocking-calls @Loyalty
        does hotels need to wait for flights? | try @Check
        what's the right plan | rule
        what's wrong with lounge access | @lounge
        why is my join slow | @Compose fan-in
        so seats has to wait for flights, right? | try
        tell me which tasks to start early | rule
        i think compose should use the small model | try
        what is speculative execution | speculation
        why did hotels start so late | @hotels
        how many arrows are wrong | @flights
        what does the thread pool do for the loyalty tier | @tier blocking-calls
        what is it with seat offers | @seats
        must visa wait for hotels? | try
        give me the dependencies | rule
        i would run the tier lookup in a thread | try
        what is fan-in | fan-in
        why does baggage matter | @baggage
        what's the fastest plan | rule
    """,
    "legal-review": """
        what's the right order | rule
        which block should be first | rule
        is it the timestamp? | try
        why is the contract read fresh each time | @Contract @Timestamp @time sharing order
        what is a breakpoint | breakpoints
        how long does an entry live | rules gaps
        where do i put the breakpoint here | rule @Breakpoint breakpoints
        tell me where to put the timestamp | rule
        what is wrong with my breakpoints | @block breakpoints
        should i use one hour? | try gaps keep-alive-against-one-hour
        where does the timestamp belong | rule
        does the user id go last? | try
        why does nothing hit the cache | @block rules order
        what is the correct lifetime | rule
        why is my contract marked | @contract
        the instructions should come first i guess | try
        what is a prefix | rules
        is the contract too low? | try
        what is the problem with the timestamp | @timestamp
        how should the blocks be ordered | rule order
        what does priming mean | warming
        why are there three copies of the instructions | @contract sharing
    """,
    "slow-prompt": """
        which rule did i lose | rule @Approv @limit
        what should the first line say | rule @first
        is the model too big? | try tiers
        why is streaming marked | @Streaming
        what is a schema | schema
        what do you mean by length bound | schema @Length
        just give me the prompt | rule
        does thinking help here? | try @reason reasoning
        what's wrong with the model | tiers
        should i cut the background completely? | try keep-the-rules @background
        what do i have to write for the form | rule @form
        why is thinking a problem here | @reasoning
        should i stream? | try
        where is my mistake | @
        how long may the answer be | @length schema rule
        what is chain of thought | reasoning
        which sentences can i delete | rule keep-the-rules
        i would cut everything before the task | try
        tell me the schema | rule
        what is so bad about the first lines | @task-not-first
        do i need streaming? | try
        maybe a smaller model | try
        what does bound mean | schema @length
        why is the welcome marked | @text
    """,
}
OFF_TOPIC = """
    which laptop should i buy for programming
    how do i get a visa for japan
    who founded anthropic
    what is the meaning of life
    can you book me a flight to lisbon
    how do i install python on windows
    what's the best restaurant near me
    is my boss right to be angry
    how do i learn to play the guitar
    what is a monad
    translate good morning to spanish
    how do i write unit tests in django
    what is kubernetes
    how tall is mount everest
    when is the next football match
    how do i cook rice
    what's the population of canada
    recommend me a book about history
    how do i merge two git branches
    why is the sky blue
    can you help me with my tax return
    how do i train a neural network
    what is docker compose
    when does the train to zurich leave
    how do i lose weight
    write a cover letter for me
    how do i configure nginx
    what's a good name for my dog
    how old are you
    is python better than java
    how do i change a tyre
    what's the exchange rate of the euro
    who wrote hamlet
    how do i set up wifi
    which car is the fastest
    how can i sleep better
    what time is it
    teach me some spanish
    how do i sort a list in python
    what is blockchain
"""


def rows(table: str) -> list[tuple[str, tuple[str, ...]]]:
    """The lines of a table: what is asked, and what may answer it."""
    parts = [line.split("|") for line in table.strip().splitlines()]
    return [(asked.strip(), tuple(places.split())) for asked, places in parts]
