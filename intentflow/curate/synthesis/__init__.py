"""New phrasings of rare intents, written by a teacher and checked before they are kept."""

from intentflow.curate.synthesis.faults import TeacherError
from intentflow.curate.synthesis.run import SynthesisResult, synthesise
from intentflow.curate.synthesis.teacher import Teacher

__all__ = ["SynthesisResult", "Teacher", "TeacherError", "synthesise"]
