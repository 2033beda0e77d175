"""The coach under load: a real Daphne, real sockets, a provider and its learners in processes of their own."""
