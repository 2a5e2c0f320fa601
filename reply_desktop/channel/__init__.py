"""The wire between engine and fronts: typed messages, a server and a client. Knows the domain only."""
