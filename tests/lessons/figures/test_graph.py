from itertools import pairwise

from coach.engine.graph import Fixed, Task, TaskGraph
from lessons.figures.graph import graph_drawing, ring_drawing
from tests.lessons.figures.factories import both, chain_of, inside, texts, travel_graph, with_class


def test_graph_drawing_names_tasks_for_a_script():
    for root in both(graph_drawing(travel_graph(), title="Plan")):
        nodes = {node.get("data-task") for node in with_class(root, "node")}
        assert nodes == set(travel_graph().tasks)


def test_graph_drawing_joins_each_task_to_what_it_waits_for():
    for root in both(graph_drawing(travel_graph(), title="Plan")):
        edges = with_class(root, "edge")
        assert len(edges) == 6
        assert len([edge for edge in edges if "critical" in edge.get("class", "")]) == 2
        assert len([edge for edge in edges if "condition" in edge.get("class", "")]) == 1


def test_graph_drawing_marks_findings_and_speculation():
    for root in both(graph_drawing(travel_graph(), title="Plan", markers={"seats": (2,)})):
        seats = next(node for node in with_class(root, "node") if node.get("data-task") == "seats")
        assert "2" in texts(seats)
        assert len(with_class(root, "speculative")) == 1


def test_graph_drawing_tells_the_critical_path():
    picture = graph_drawing(travel_graph(), title="Plan")
    assert "Search flights, then seats, then compose" in picture.sentence
    assert {row[0] for row in picture.rows if "critical" in row[-1]} == {"Search flights", "seats", "compose"}


def test_graph_drawing_keeps_boxes_apart():
    for root in both(graph_drawing(travel_graph(), title="Plan")):
        boxes = [(float(b.get("x", 0)), float(b.get("y", 0))) for b in with_class(root, "box")]
        for index, (x, y) in enumerate(boxes):
            assert all(abs(x - u) > 40 or abs(y - v) >= 46 for u, v in boxes[index + 1 :])


def test_graph_drawing_of_a_long_chain_says_what_it_leaves_out():
    picture = graph_drawing(chain_of(5000), title="Chain")
    for root in both(picture):
        assert len(with_class(root, "node")) == 60
        assert "and 4940 more tasks" in texts(root)
    assert len(picture.rows) == 301


def test_graph_drawing_of_dense_graphs_stays_in_its_frame():
    names = [f"t{n}" for n in range(40)]
    graph = TaskGraph([Task(name, tuple(names[:n]), duration=Fixed(0.1)) for n, name in enumerate(names)])
    assert all(inside(root) for root in both(graph_drawing(graph, title="Dense")))


def test_graph_drawing_of_wide_and_of_empty_graphs():
    wide = TaskGraph([Task(f"t{n}") for n in range(50)])
    for graph in (wide, TaskGraph([]), TaskGraph([Task("alone")])):
        assert all(inside(root) for root in both(graph_drawing(graph, title="Edge")))


def test_graph_drawing_escapes_names():
    graph = TaskGraph([Task('"><script>', label="</text>&" * 50)])
    picture = graph_drawing(graph, title="Nasty")
    assert "<script" not in picture.svg + picture.svg_narrow
    assert both(picture)


def test_graph_puts_several_findings_side_by_side_in_the_frame():
    for root in both(graph_drawing(travel_graph(), title="Plan", markers={"compose": (1, 2, 4, 5, 6, 7)})):
        node = next(node for node in with_class(root, "node") if node.get("data-task") == "compose")
        at = [float(disc.get("cx", 0)) for disc in with_class(node, "marker-disc")]
        assert [text.text for text in with_class(node, "marker-number")] == ["1", "2", "4", "5", "6", "7"]
        assert all(later - earlier == 20 for earlier, later in pairwise(at))
        assert at[-1] + 9 <= float(root.get("width", 0))
        assert float(with_class(node, "marker-disc")[0].get("cy", 0)) >= 10


def test_ring_drawing_names_the_ring_and_says_what_it_leaves_out():
    tasks = [Task(f"t{n}", (f"t{(n + 1) % 90}",)) for n in range(90)]
    picture = ring_drawing(tasks, [task.name for task in tasks], title="Ring", markers={"t1": (2, 3)})
    assert picture.sentence.startswith("A ring, in which each task waits for the next: t0 → t1")
    assert picture.rows[1] == ("t1", "t2", "in the ring, findings 2 and 3")
    for root in both(picture):
        assert inside(root)
        assert "and 30 more tasks" in texts(root)
