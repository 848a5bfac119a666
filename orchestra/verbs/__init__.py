"""What each verb does: one function a verb, named after it, from parsed arguments to exit code.

Nothing is imported here: what one verb needs is to cost the others nothing (see ``options``).
"""
