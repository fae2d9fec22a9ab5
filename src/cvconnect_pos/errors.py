"""Every error of the SDK: a stable code, fields, whether to retry, and words in French and English.

    CvConnectError
    +-- InvalidInput          an argument is wrong; nothing was done
    +-- ConfigError           the station file is wrong; says file, key and remedy
    +-- NotAllowedNow         the payment is not in a state for that
    |   +-- AttemptStillOpen  the basket has an attempt that is not settled
    |   +-- RequestIdReused   the same request id came with other arguments
    +-- WaitTimeout           a wait ended before the payment did; the payment goes on
    +-- JournalError          nothing can be written, so nothing is sent
    |   +-- JournalMoved      another process has written to the attempt meanwhile
    |       +-- JournalTaken  another process acts on it now
    +-- ProviderError
        +-- NotSent           the request certainly did not reach the provider
        +-- NoAnswer          the request may have been carried out: unknown, not "no"
        +-- ProviderRefused   the provider answered with one of its error codes
            +-- CredentialRefused   stop all calls until a person changes the setting

The words stand in `messages`; no identifier, key or secret ever enters `fields`.
"""

from __future__ import annotations

from typing import ClassVar

from cvconnect_pos.messages import Language, error_message


class CvConnectError(Exception):
    """The base of every error that the SDK raises.

    Args:
        code: A stable English identifier; the class has a default.
        fields: What the texts need (`field`, `value`, `limit`, ...), all of it safe to log.
    """

    default_code: ClassVar[str] = "INTERNAL"
    retryable: ClassVar[bool] = False

    def __init__(self, code: str | None = None, /, **fields: object) -> None:
        self.code = code or self.default_code
        self.fields = fields
        super().__init__(self.code)

    def text(self, language: Language = "fr") -> str:
        """Say what is wrong, in words that a cashier understands."""
        return error_message(self.code, self.fields, language).text

    def remedy(self, language: Language = "fr") -> str:
        """Say what to do about it."""
        return error_message(self.code, self.fields, language).remedy

    def __str__(self) -> str:
        return f"{self.code}: {self.text('en')} {self.remedy('en')}".rstrip()


class InvalidInput(CvConnectError, ValueError):
    """An argument is wrong: an amount of 12.5, a basket reference of 21 characters, ten digits."""

    default_code = "INVALID_INPUT"


class ConfigError(CvConnectError, ValueError):
    """The station file is wrong: an unknown key, a wrong type, a package that is missing."""

    default_code = "CONFIG_INVALID"


class NotAllowedNow(CvConnectError):
    """The payment is not in a state for that: keep where nothing was paid, cancel after the end."""

    default_code = "NOT_ALLOWED_NOW"


class AttemptStillOpen(NotAllowedNow):
    """The basket has an attempt that is open, or whose result the till has not acknowledged."""

    default_code = "ATTEMPT_STILL_OPEN"


class RequestIdReused(NotAllowedNow):
    """The same request id came with another amount, basket or way."""

    default_code = "REQUEST_ID_REUSED"


class WaitTimeout(CvConnectError, TimeoutError):
    """The wait ended before the payment did. The payment goes on: wait again, or cancel it."""

    default_code = "WAIT_TIMEOUT"
    retryable = True


class JournalError(CvConnectError):
    """The journal cannot be written or read: disk full, locked, damaged, from another version."""

    default_code = "JOURNAL_UNAVAILABLE"


class JournalMoved(JournalError):
    """Another process has written to the attempt since it was read: nothing was written, read it again."""

    default_code = "JOURNAL_MOVED"
    retryable = True


class JournalTaken(JournalMoved):
    """Another process acts on the attempt now: nothing was written."""

    default_code = "JOURNAL_TAKEN"


class ProviderError(CvConnectError):
    """A call to the provider did not give what was asked."""

    default_code = "PROVIDER_ERROR"


class NotSent(ProviderError):
    """The request certainly did not reach the provider: connection refused, name unknown."""

    default_code = "PROVIDER_UNREACHABLE"
    retryable = True


class NoAnswer(ProviderError):
    """The request may have been carried out: time-out, connection cut, answer that cannot be read."""

    default_code = "PROVIDER_NO_ANSWER"


class ProviderRefused(ProviderError):
    """The provider answered with one of its error codes; `code` is that code."""

    default_code = "PROVIDER_REFUSED"


class CredentialRefused(ProviderRefused):
    """Seal, merchant or credential refused: nothing more is sent until a person changes the setting."""

    default_code = "INVALID_SEAL"
