"""Refusals that a person can act on. Each carries a sentence and an HTTP status; one handler shows them all."""


class DomainError(Exception):
    """A rule of the business refused what was asked. The message is a sentence for the person who asked."""

    status = 409

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class NotFound(DomainError):
    """There is no such record in this shop: never, no longer, or it belongs to another one (the answer is the same)."""

    status = 404

    def __init__(self, sentence: str = "There is nothing here. It may have been removed.") -> None:
        super().__init__(sentence)


class NotAllowed(DomainError):
    """The person's role does not permit this."""

    status = 403


class TooMany(DomainError):
    """Asked too often; the sentence says when to try again, and so does the header Retry-After."""

    status = 429

    def __init__(self, sentence: str, *, retry_after_s: int = 60) -> None:
        super().__init__(sentence)
        self.retry_after_s = retry_after_s


class Unavailable(DomainError):
    """A part that is needed (database, storage, Redis) does not answer now."""

    status = 503
