"""What passes between stages: frozen, labelled, without logic.

Arrays carry the dimension names of `polyvalues.dimensions`; every layout is written down here and nowhere else.
A measured quantity ends in the dimension `interval` (`estimate`, `lower`, `upper`).
"""

from polyvalues.artifacts.findings import Claims as Claims
from polyvalues.artifacts.findings import Findings as Findings
from polyvalues.artifacts.findings import ModelFindings as ModelFindings
from polyvalues.artifacts.findings import StudyInfo as StudyInfo
from polyvalues.artifacts.generations import GENERATION_SCHEMA as GENERATION_SCHEMA
from polyvalues.artifacts.generations import Generations as Generations
from polyvalues.artifacts.generations import Judged as Judged
from polyvalues.artifacts.pairs import DROP_SCHEMA as DROP_SCHEMA
from polyvalues.artifacts.pairs import PAIR_SCHEMA as PAIR_SCHEMA
from polyvalues.artifacts.pairs import SUMMARY_SCHEMA as SUMMARY_SCHEMA
from polyvalues.artifacts.pairs import PairSet as PairSet
from polyvalues.artifacts.pairs import TextTable as TextTable
from polyvalues.artifacts.scores import LayerChoice as LayerChoice
from polyvalues.artifacts.scores import Scores as Scores
from polyvalues.artifacts.states import Activations as Activations
from polyvalues.artifacts.states import Moments as Moments
from polyvalues.artifacts.vectors import ConceptVectors as ConceptVectors
from polyvalues.artifacts.vectors import CrossVectors as CrossVectors
from polyvalues.artifacts.vectors import NestedVectors as NestedVectors
from polyvalues.artifacts.vectors import Replicates as Replicates
from polyvalues.artifacts.vectors import VectorTable as VectorTable
