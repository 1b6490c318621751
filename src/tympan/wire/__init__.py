"""Azure's spellings: JSON documents in and out, no I/O."""
