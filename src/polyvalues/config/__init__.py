"""Validated settings of every stage, and of a whole study.

A spec is frozen, refuses unknown keys, goes to TOML and back, and has a content hash. Validation happens here,
once; the stages trust what they get.
"""

from polyvalues.config.base import ConceptName as ConceptName
from polyvalues.config.base import LanguageTag as LanguageTag
from polyvalues.config.base import S as S
from polyvalues.config.base import Spec as Spec
from polyvalues.config.base import build as build
from polyvalues.config.data import EMBEDDED_PAIRS as EMBEDDED_PAIRS
from polyvalues.config.data import CheckSpec as CheckSpec
from polyvalues.config.data import PairSource as PairSource
from polyvalues.config.data import SplitSpec as SplitSpec
from polyvalues.config.model import EMBEDDED_MODEL as EMBEDDED_MODEL
from polyvalues.config.model import EngineSpec as EngineSpec
from polyvalues.config.model import ModelSpec as ModelSpec
from polyvalues.config.steering import BudgetSpec as BudgetSpec
from polyvalues.config.steering import ChoiceSpec as ChoiceSpec
from polyvalues.config.steering import ControlSpec as ControlSpec
from polyvalues.config.steering import GenerationSpec as GenerationSpec
from polyvalues.config.steering import SteerSpec as SteerSpec
from polyvalues.config.study import Estimator as Estimator
from polyvalues.config.study import PaperSpec as PaperSpec
from polyvalues.config.study import ReadingSpec as ReadingSpec
from polyvalues.config.study import StatisticsSpec as StatisticsSpec
from polyvalues.config.study import StudySpec as StudySpec
from polyvalues.config.study import VectorSpec as VectorSpec
