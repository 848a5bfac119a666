"""Where things lie: names of files that more than one part of orchestra reads or writes."""

ENV_FILE = ".env"
"""Variables of the project one stands in; those of the process win."""
