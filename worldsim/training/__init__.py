"""How the networks are trained: one loop, and a command for each network."""
