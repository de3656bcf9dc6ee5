"""The one exception for things a user can put right."""


class UserError(Exception):
    """A problem the user can solve; its message names the thing, got, needed and the way out.

    The command line prints the message on one line and exits with status 2, without a traceback.
    """
