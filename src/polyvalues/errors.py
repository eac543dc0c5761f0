"""Every error polyvalues raises on purpose.

    PolyvaluesError
    ├── SpecError               a setting is wrong, or two settings contradict each other
    ├── DataError               the pairs
    │   ├── ReaderError         a source file is not what its format promises (file, line, field, expected)
    │   └── PairsError          the pairs, once read, cannot be used as asked
    ├── ModelError              the language model
    │   ├── ModelLoadError      it cannot be loaded
    │   ├── ArchitectureError   its decoder blocks cannot be found
    │   ├── ReadingError        its hidden states cannot be read (memory, non-finite values)
    │   └── SteeringError       it cannot be steered as asked, or with these vectors
    ├── VectorError             a concept vector cannot be fitted
    │   └── DegenerateVector    it came out zero or not finite
    ├── EngineError             work cannot be spread over workers
    ├── JudgeError              answers cannot be judged as asked
    ├── TranslationError        texts cannot be translated any more
    ├── MeasureError            an analysis has nothing to work on
    ├── StoreError              the study folder
    │   ├── StudyLocked         another run holds it
    │   ├── CorruptArtifact     a file in it is damaged, truncated or not ours
    │   └── StorageFull         it cannot be written (disk full, read-only)
    └── MissingExtra            an optional library is needed and not installed

A message says what is wrong, which value, where (file, line, concept, language, layer) and what to do.
The command line prints the message alone, never a traceback.
"""

from pathlib import Path


class PolyvaluesError(Exception):
    """Root of the tree: everything that is foreseen and explained."""


class SpecError(PolyvaluesError):
    """A setting is wrong, or two settings contradict each other."""


class DataError(PolyvaluesError):
    """Something is wrong with the pairs."""


class ReaderError(DataError):
    """A source file is not what its format promises.

    Attributes:
        path: the file.
        line: 1-based line (or record) number, None when the file as a whole is meant.
        field: the column or key concerned, None when the line as a whole is meant.
        expected: what the format promises there.
    """

    def __init__(self, path: Path | str, expected: str, *, line: int | None = None, field: str | None = None):
        self.path, self.line, self.field, self.expected = Path(path), line, field, expected
        where = f"{path}" + (f", line {line}" if line is not None else "")
        where += f", field {field!r}" if field is not None else ""
        super().__init__(f"{where}: expected {expected}")


class PairsError(DataError):
    """The pairs, once read, cannot be used as asked (none left, unaligned, unknown language ...)."""


class ModelError(PolyvaluesError):
    """Something is wrong with the language model."""


class ModelLoadError(ModelError):
    """The model cannot be loaded."""


class ArchitectureError(ModelError):
    """The decoder blocks cannot be found; the message names what was tried."""


class ReadingError(ModelError):
    """Hidden states cannot be read: out of memory on a single text, or non-finite values."""


class SteeringError(ModelError):
    """The model cannot be steered as asked: vectors of another model, rows or positions that do not fit, nesting."""


class EngineError(PolyvaluesError):
    """Work cannot be spread: no cluster, no room for a worker, a unit that kills every worker."""


class JudgeError(PolyvaluesError):
    """A judge cannot be used: no openings in a language, an endpoint that does not answer, no such label."""


class TranslationError(PolyvaluesError):
    """Translating cannot go on: an endpoint that refuses or does not answer. What came before is kept."""


class VectorError(PolyvaluesError):
    """A concept vector cannot be fitted."""


class DegenerateVector(VectorError):
    """A vector came out zero or not finite."""


class ConceptDirectionError(VectorError, ValueError):
    """A `ConceptDirection` cannot be fitted on what it was given; a `ValueError` as scikit-learn asks."""


class MeasureError(PolyvaluesError):
    """An analysis has nothing to work on, or its inputs contradict each other."""


class StoreError(PolyvaluesError):
    """Something is wrong with the study folder."""


class StudyLocked(StoreError):
    """Another run holds the study folder."""


class CorruptArtifact(StoreError):
    """A file in the study folder is damaged, truncated or was not written by polyvalues."""


class StorageFull(StoreError):
    """The study folder cannot be written: disk full, quota reached, read-only."""


class MissingExtra(PolyvaluesError):
    """An optional library is needed and not installed; the message names the extra."""
