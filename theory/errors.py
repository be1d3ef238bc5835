"""The one exception that a user's mistake raises."""


class InputError(ValueError):
    """Wrong input, told in one sentence: the value, what was expected, and what to do.

    Every layer of the package raises it before any long work starts; the command line prints its message
    alone and ends with exit status 2.
    """
