"""The table of what runs: one callable for each step of each kind of job."""

from collections.abc import Callable, Mapping

from tympan.domain.job import JobKind
from tympan.ports.jobs import JobContext

Step = Callable[[JobContext], None]
"""Does one step. May run more than once, so what it does twice must be harmless."""

StepTable = Mapping[tuple[JobKind, str], Step]


def missing_steps(table: StepTable) -> tuple[str, ...]:
    """Steps that some kind of job has and the table lacks, as ``kind.step``.

    >>> missing_steps({})[0]
    'ImportDataset.import'
    """
    return tuple(f"{kind}.{step}" for kind in JobKind for step in kind.steps if (kind, step) not in table)
