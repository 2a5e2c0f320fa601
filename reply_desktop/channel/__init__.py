"""The wire between the engine and its fronts: typed messages, a server and a client. Knows the domain only."""
