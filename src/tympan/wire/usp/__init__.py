"""The messages of the Speech SDKs, without a socket.

Source: ``docs/realtime.md``, observed with the unmodified SDKs.
"""
