"""Programs in any language, graded by requests and responses in files (docs/protocol.md).

ProgramBackend makes a program look like a backend; checks holds what only a program is asked.
"""
