"""Tests of models that the portal has started, run on fakes: their reports are real."""

from dataclasses import replace

from tests.unit.test_scoring import House

from tympan.domain.job import JobState
from tympan.testing.entities import make_evaluation
from tympan.usecases.job_states import end_job

HOSTILE = '"><script>alert(1)</script>'
TEXTS = [
    "We met Ann Smith at Tympan today.",
    "It costs twenty dollars.",
    "The cat sat on the mat.",
    f"Say {HOSTILE} now.",
    *["The weather is fine today and stays so."] * 9,
]
FIRST = [
    "we met Anne Smith at tin pan today",
    "it costs $20",
    "the hat sat on the mat",
    "say scripts now",
    *["the weather is fine today and stays so"] * 9,
]
SECOND = ["we met ann smith at tympan today", "it costs", "the hat sat on the mat", *FIRST[3:]]


class Bench(House):
    """Runs the tests that the portal has started."""

    def utterance(self, number, text):
        return replace(super().utterance(number, text), labels={"room": ("bar", HOSTILE)[number % 2]})

    def move(self, dataset, project):
        dataset = replace(dataset, project_id=project.id, display_name="Calls")
        with self.store.write() as tx:
            tx.datasets.save(dataset)
        return dataset

    def score(self, evaluation_id):
        evaluation = self.get(make_evaluation(id=evaluation_id))
        self.scoring.run_recognize(self.attempt(evaluation, "recognize"))
        context = self.attempt(evaluation, "score")
        self.scoring.run_score(context)
        with self.store.write() as tx:
            end_job(tx, tx.jobs.get(context.job.id), self.clock.now(), JobState.SUCCEEDED)
