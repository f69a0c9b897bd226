"""Synthesis: new phrasings of rare intents, written by a teacher model and filtered."""

from intentflow.synthesis.faults import TeacherError
from intentflow.synthesis.run import SynthesisResult, synthesise
from intentflow.synthesis.teacher import Teacher

__all__ = ["SynthesisResult", "Teacher", "TeacherError", "synthesise"]
