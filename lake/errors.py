"""Every error a user can meet, as one tree.

BoathouseError
├── SettingError          a setting is missing or wrong
├── ServiceError          a service can't be started, reached or used
│   ├── PortTakenError    a port that a service was told to use belongs to something else
│   └── DiskFullError     there is no room where a service or the lake writes
├── SourceError           a vendor or database refused, or answered what it shouldn't
│   ├── UnreachableError  the source doesn't answer, or is busy with another reader: later it may do
│   ├── CredentialsError  the source said no to the shop name, the token, the key or the password
│   └── DocumentError     one document can't be read; it goes to quarantine
├── CommitError           Iceberg didn't take a commit, or its fate is unknown
├── ProofError            what landed isn't what the source said
├── AuditError            an audit failed; the release before stays current
│   └── HeldError         a release waits for somebody's approval
├── ReleaseError          a release doesn't exist or can't be read
├── LockedError           another process holds the lock
└── QueryError            a question can't be answered as it was put
    └── UnknownNameError  a metric, grain, dimension or table that doesn't exist
"""

from collections.abc import Iterable


class BoathouseError(Exception):
    """Something a user can act on: the message is one sentence that says what, where and what to do."""


class SettingError(BoathouseError):
    """A setting is missing or wrong."""


class ServiceError(BoathouseError):
    """A service can't be started, reached or used."""


class PortTakenError(ServiceError):
    """A port that a service was told to use belongs to something else."""


class DiskFullError(ServiceError):
    """There is no room where a service or the lake writes."""


class SourceError(BoathouseError):
    """A vendor or database refused, or answered what it shouldn't."""


class UnreachableError(SourceError):
    """The source doesn't answer, or is busy with another reader: later it may do."""


class CredentialsError(SourceError):
    """The source said no to the shop name, the token, the key or the password."""


class DocumentError(SourceError):
    """One document can't be read."""


class CommitError(BoathouseError):
    """Iceberg didn't take a commit, or its fate is unknown."""


class ProofError(BoathouseError):
    """What landed isn't what the source said."""


class AuditError(BoathouseError):
    """An audit failed."""


class HeldError(AuditError):
    """A release waits for somebody's approval."""


class ReleaseError(BoathouseError):
    """A release doesn't exist or can't be read."""


class LockedError(BoathouseError):
    """Another process holds the lock."""


class QueryError(BoathouseError):
    """A question can't be answered as it was put."""


class UnknownNameError(QueryError):
    """A metric, grain, dimension or table that doesn't exist; ``known`` lists those that do."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind = kind
        self.name = name
        self.known = sorted(known)
        super().__init__(f"There is no {kind} '{name}'; there is {', '.join(self.known)}.")
