"""A recogniser in a process of its own: server, client, and what passes between them."""
