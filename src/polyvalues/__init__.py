"""Multilingual value concepts in language models; names load when first used."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from polyvalues.artifacts import Activations as Activations
    from polyvalues.artifacts import Claims as Claims
    from polyvalues.artifacts import ConceptVectors as ConceptVectors
    from polyvalues.artifacts import Findings as Findings
    from polyvalues.artifacts import Generations as Generations
    from polyvalues.artifacts import Judged as Judged
    from polyvalues.artifacts import LayerChoice as LayerChoice
    from polyvalues.artifacts import Moments as Moments
    from polyvalues.artifacts import PairSet as PairSet
    from polyvalues.artifacts import Replicates as Replicates
    from polyvalues.artifacts import Scores as Scores
    from polyvalues.artifacts import SteeringVectors as SteeringVectors
    from polyvalues.artifacts import TextTable as TextTable
    from polyvalues.at_a_glance import glance as glance
    from polyvalues.compare import Comparison as Comparison
    from polyvalues.compare import compare_studies as compare_studies
    from polyvalues.compare import difference_words as difference_words
    from polyvalues.control.judging import load_words as load_words
    from polyvalues.controlled import Controlled as Controlled
    from polyvalues.controlled import run_control as run_control
    from polyvalues.damage import Damage as Damage
    from polyvalues.data.check import check_pairs as check_pairs
    from polyvalues.data.degrade import degrade as degrade
    from polyvalues.data.doubt import doubts as doubts
    from polyvalues.data.kinship.tables import distances as distances
    from polyvalues.data.known_languages import known_languages as known_languages
    from polyvalues.data.mirrors import related_items as related_items
    from polyvalues.data.pairs import make_pairs as make_pairs
    from polyvalues.data.pairs import read_pairs as read_pairs
    from polyvalues.data.quality.measure import TextQuality as TextQuality
    from polyvalues.data.quality.measure import measure_translations as measure_translations
    from polyvalues.data.quality.pairwise import rate_pairs as rate_pairs
    from polyvalues.data.quality.pairwise import summarise_rated as summarise_rated
    from polyvalues.data.quality.plant import calibrate_quality as calibrate_quality
    from polyvalues.data.quality.ratings import read_quality as read_quality
    from polyvalues.data.quality.report import drop_flagged as drop_flagged
    from polyvalues.data.quality.report import summarise_quality as summarise_quality
    from polyvalues.data.quality.report import table_csv as table_csv
    from polyvalues.data.readers.registry import READERS as READERS
    from polyvalues.data.recipe.english import English as English
    from polyvalues.data.recipe.english import build_english as build_english
    from polyvalues.data.splits import split_pairs as split_pairs
    from polyvalues.data.summary import sample_pairs as sample_pairs
    from polyvalues.data.summary import summarise_pairs as summarise_pairs
    from polyvalues.data.texts import text_table as text_table
    from polyvalues.degraded import measure_noise as measure_noise
    from polyvalues.errors import PolyvaluesError as PolyvaluesError
    from polyvalues.follow import QualityFindings as QualityFindings
    from polyvalues.follow import find_divergence as find_divergence
    from polyvalues.follow import measure_quality as measure_quality
    from polyvalues.follow import quality_beside as quality_beside
    from polyvalues.follow import rate_study as rate_study
    from polyvalues.interop.hub import push_hub as push_hub
    from polyvalues.measure.consistency import consistency as consistency
    from polyvalues.measure.difference import models_difference as models_difference
    from polyvalues.measure.noise import noise_rows as noise_rows
    from polyvalues.measure.recognition import recognition as recognition
    from polyvalues.measure.scores import ScoreReducer as ScoreReducer
    from polyvalues.measure.select import choose_layers as choose_layers
    from polyvalues.measure.transfer import transfer as transfer
    from polyvalues.mistakes import Mistaken as Mistaken
    from polyvalues.mistakes import measure_mistakes as measure_mistakes
    from polyvalues.model.embedding import load_embedder as load_embedder
    from polyvalues.model.handle import ModelHandle as ModelHandle
    from polyvalues.model.handle import load_model as load_model
    from polyvalues.model.presets import PRESETS as PRESETS
    from polyvalues.model.record import record as record
    from polyvalues.opened import Study as Study
    from polyvalues.opened import findings_in_words as findings_in_words
    from polyvalues.opened import load_study as load_study
    from polyvalues.opened import study_figures as study_figures
    from polyvalues.opened import write_report as write_report
    from polyvalues.paper import PaperSet as PaperSet
    from polyvalues.paper import paper_set as paper_set
    from polyvalues.paper import write_paper_set as write_paper_set
    from polyvalues.recipe_run import MVALUE_TARGETS as MVALUE_TARGETS
    from polyvalues.recipe_run import build_mvalue as build_mvalue
    from polyvalues.recipe_run import finish_mvalue as finish_mvalue
    from polyvalues.recipe_run import mvalue_job as mvalue_job
    from polyvalues.recipe_specs import MvalueSpec as MvalueSpec
    from polyvalues.settings import load_study_spec as load_study_spec
    from polyvalues.specs import BudgetSpec as BudgetSpec
    from polyvalues.specs import CheckSpec as CheckSpec
    from polyvalues.specs import ControlSpec as ControlSpec
    from polyvalues.specs import EngineSpec as EngineSpec
    from polyvalues.specs import GenerationSpec as GenerationSpec
    from polyvalues.specs import ModelSpec as ModelSpec
    from polyvalues.specs import PairSource as PairSource
    from polyvalues.specs import ReadingSpec as ReadingSpec
    from polyvalues.specs import SplitSpec as SplitSpec
    from polyvalues.specs import StatisticsSpec as StatisticsSpec
    from polyvalues.specs import StudySpec as StudySpec
    from polyvalues.specs import VectorSpec as VectorSpec
    from polyvalues.specs import build as build
    from polyvalues.steer.generate import generate as generate
    from polyvalues.steer.hooks import steering as steering
    from polyvalues.steer.permanent import bake_model as bake_model
    from polyvalues.steer.plan import Condition as Condition
    from polyvalues.steer.plan import Intervention as Intervention
    from polyvalues.steer.plan import Plan as Plan
    from polyvalues.steer.vectors import Steerable as Steerable
    from polyvalues.steered import export_vectors as export_vectors
    from polyvalues.steered import import_vectors as import_vectors
    from polyvalues.steered import steering_vectors as steering_vectors
    from polyvalues.store import Store as Store
    from polyvalues.store import write_pairs as write_pairs
    from polyvalues.study import follow_study as follow_study
    from polyvalues.study import prepare_pairs as prepare_pairs
    from polyvalues.study import run_study as run_study
    from polyvalues.translated import rate_translations as rate_translations
    from polyvalues.translation_run import Translation as Translation
    from polyvalues.translation_run import TranslationJob as TranslationJob
    from polyvalues.translation_run import translate_pairs as translate_pairs
    from polyvalues.translation_run import translation_job as translation_job
    from polyvalues.translation_specs import QualitySpec as QualitySpec
    from polyvalues.translation_specs import TranslateSpec as TranslateSpec
    from polyvalues.vectors.activations import ActivationsReducer as ActivationsReducer
    from polyvalues.vectors.fit import fit_vectors as fit_vectors
    from polyvalues.vectors.moments import MomentsReducer as MomentsReducer
    from polyvalues.vectors.replicates import replicates as replicates
    from polyvalues.verification.suite import Verified as Verified
    from polyvalues.verification.suite import verify as verify
    from polyvalues.verification.suite import verify_steps as verify_steps
    from polyvalues.verification.suite import write_verified as write_verified

__version__ = "0.1.0"

_HOME = {
    "Activations": "polyvalues.artifacts",
    "ActivationsReducer": "polyvalues.vectors.activations",
    "BudgetSpec": "polyvalues.specs",
    "CheckSpec": "polyvalues.specs",
    "Claims": "polyvalues.artifacts",
    "Comparison": "polyvalues.compare",
    "ConceptVectors": "polyvalues.artifacts",
    "Condition": "polyvalues.steer.plan",
    "ControlSpec": "polyvalues.specs",
    "Controlled": "polyvalues.controlled",
    "Damage": "polyvalues.damage",
    "EngineSpec": "polyvalues.specs",
    "English": "polyvalues.data.recipe.english",
    "Findings": "polyvalues.artifacts",
    "GenerationSpec": "polyvalues.specs",
    "Generations": "polyvalues.artifacts",
    "Intervention": "polyvalues.steer.plan",
    "Judged": "polyvalues.artifacts",
    "LayerChoice": "polyvalues.artifacts",
    "MVALUE_TARGETS": "polyvalues.recipe_run",
    "Mistaken": "polyvalues.mistakes",
    "ModelHandle": "polyvalues.model.handle",
    "ModelSpec": "polyvalues.specs",
    "Moments": "polyvalues.artifacts",
    "MomentsReducer": "polyvalues.vectors.moments",
    "MvalueSpec": "polyvalues.recipe_specs",
    "PRESETS": "polyvalues.model.presets",
    "PairSet": "polyvalues.artifacts",
    "PairSource": "polyvalues.specs",
    "PaperSet": "polyvalues.paper",
    "Plan": "polyvalues.steer.plan",
    "PolyvaluesError": "polyvalues.errors",
    "QualitySpec": "polyvalues.translation_specs",
    "READERS": "polyvalues.data.readers.registry",
    "ReadingSpec": "polyvalues.specs",
    "Replicates": "polyvalues.artifacts",
    "ScoreReducer": "polyvalues.measure.scores",
    "Scores": "polyvalues.artifacts",
    "SplitSpec": "polyvalues.specs",
    "StatisticsSpec": "polyvalues.specs",
    "Steerable": "polyvalues.steer.vectors",
    "SteeringVectors": "polyvalues.artifacts",
    "Store": "polyvalues.store",
    "Study": "polyvalues.opened",
    "StudySpec": "polyvalues.specs",
    "TextQuality": "polyvalues.data.quality.measure",
    "TextTable": "polyvalues.artifacts",
    "TranslateSpec": "polyvalues.translation_specs",
    "Translation": "polyvalues.translation_run",
    "TranslationJob": "polyvalues.translation_run",
    "VectorSpec": "polyvalues.specs",
    "Verified": "polyvalues.verification.suite",
    "bake_model": "polyvalues.steer.permanent",
    "build": "polyvalues.specs",
    "build_english": "polyvalues.data.recipe.english",
    "build_mvalue": "polyvalues.recipe_run",
    "calibrate_quality": "polyvalues.data.quality.plant",
    "check_pairs": "polyvalues.data.check",
    "choose_layers": "polyvalues.measure.select",
    "compare_studies": "polyvalues.compare",
    "consistency": "polyvalues.measure.consistency",
    "degrade": "polyvalues.data.degrade",
    "difference_words": "polyvalues.compare",
    "distances": "polyvalues.data.kinship.tables",
    "doubts": "polyvalues.data.doubt",
    "drop_flagged": "polyvalues.data.quality.report",
    "export_vectors": "polyvalues.steered",
    "find_divergence": "polyvalues.follow",
    "findings_in_words": "polyvalues.opened",
    "finish_mvalue": "polyvalues.recipe_run",
    "fit_vectors": "polyvalues.vectors.fit",
    "follow_study": "polyvalues.study",
    "generate": "polyvalues.steer.generate",
    "glance": "polyvalues.at_a_glance",
    "import_vectors": "polyvalues.steered",
    "known_languages": "polyvalues.data.known_languages",
    "load_embedder": "polyvalues.model.embedding",
    "load_model": "polyvalues.model.handle",
    "load_study": "polyvalues.opened",
    "load_study_spec": "polyvalues.settings",
    "load_words": "polyvalues.control.judging",
    "make_pairs": "polyvalues.data.pairs",
    "measure_mistakes": "polyvalues.mistakes",
    "measure_noise": "polyvalues.degraded",
    "measure_quality": "polyvalues.follow",
    "QualityFindings": "polyvalues.follow",
    "quality_beside": "polyvalues.follow",
    "rate_study": "polyvalues.follow",
    "rate_pairs": "polyvalues.data.quality.pairwise",
    "summarise_rated": "polyvalues.data.quality.pairwise",
    "measure_translations": "polyvalues.data.quality.measure",
    "models_difference": "polyvalues.measure.difference",
    "mvalue_job": "polyvalues.recipe_run",
    "noise_rows": "polyvalues.measure.noise",
    "paper_set": "polyvalues.paper",
    "prepare_pairs": "polyvalues.study",
    "push_hub": "polyvalues.interop.hub",
    "rate_translations": "polyvalues.translated",
    "read_pairs": "polyvalues.data.pairs",
    "related_items": "polyvalues.data.mirrors",
    "read_quality": "polyvalues.data.quality.ratings",
    "recognition": "polyvalues.measure.recognition",
    "record": "polyvalues.model.record",
    "replicates": "polyvalues.vectors.replicates",
    "run_control": "polyvalues.controlled",
    "run_study": "polyvalues.study",
    "sample_pairs": "polyvalues.data.summary",
    "split_pairs": "polyvalues.data.splits",
    "steering": "polyvalues.steer.hooks",
    "steering_vectors": "polyvalues.steered",
    "study_figures": "polyvalues.opened",
    "summarise_pairs": "polyvalues.data.summary",
    "summarise_quality": "polyvalues.data.quality.report",
    "table_csv": "polyvalues.data.quality.report",
    "text_table": "polyvalues.data.texts",
    "transfer": "polyvalues.measure.transfer",
    "translate_pairs": "polyvalues.translation_run",
    "translation_job": "polyvalues.translation_run",
    "verify": "polyvalues.verification.suite",
    "verify_steps": "polyvalues.verification.suite",
    "write_pairs": "polyvalues.store",
    "write_paper_set": "polyvalues.paper",
    "write_report": "polyvalues.opened",
    "write_verified": "polyvalues.verification.suite",
}
"""Where each public name lives."""

__all__ = [
    "MVALUE_TARGETS",
    "PRESETS",
    "READERS",
    "Activations",
    "ActivationsReducer",
    "BudgetSpec",
    "CheckSpec",
    "Claims",
    "Comparison",
    "ConceptVectors",
    "Condition",
    "ControlSpec",
    "Controlled",
    "Damage",
    "EngineSpec",
    "English",
    "Findings",
    "GenerationSpec",
    "Generations",
    "Intervention",
    "Judged",
    "LayerChoice",
    "Mistaken",
    "ModelHandle",
    "ModelSpec",
    "Moments",
    "MomentsReducer",
    "MvalueSpec",
    "PairSet",
    "PairSource",
    "PaperSet",
    "Plan",
    "PolyvaluesError",
    "QualityFindings",
    "QualitySpec",
    "ReadingSpec",
    "Replicates",
    "ScoreReducer",
    "Scores",
    "SplitSpec",
    "StatisticsSpec",
    "Steerable",
    "SteeringVectors",
    "Store",
    "Study",
    "StudySpec",
    "TextQuality",
    "TextTable",
    "TranslateSpec",
    "Translation",
    "TranslationJob",
    "VectorSpec",
    "Verified",
    "__version__",
    "bake_model",
    "build",
    "build_english",
    "build_mvalue",
    "calibrate_quality",
    "check_pairs",
    "choose_layers",
    "compare_studies",
    "consistency",
    "degrade",
    "difference_words",
    "distances",
    "doubts",
    "drop_flagged",
    "export_vectors",
    "find_divergence",
    "findings_in_words",
    "finish_mvalue",
    "fit_vectors",
    "follow_study",
    "generate",
    "glance",
    "import_vectors",
    "known_languages",
    "load_embedder",
    "load_model",
    "load_study",
    "load_study_spec",
    "load_words",
    "make_pairs",
    "measure_mistakes",
    "measure_noise",
    "measure_quality",
    "measure_translations",
    "models_difference",
    "mvalue_job",
    "noise_rows",
    "paper_set",
    "prepare_pairs",
    "push_hub",
    "quality_beside",
    "rate_pairs",
    "rate_study",
    "rate_translations",
    "read_pairs",
    "read_quality",
    "recognition",
    "record",
    "related_items",
    "replicates",
    "run_control",
    "run_study",
    "sample_pairs",
    "split_pairs",
    "steering",
    "steering_vectors",
    "study_figures",
    "summarise_pairs",
    "summarise_quality",
    "summarise_rated",
    "table_csv",
    "text_table",
    "transfer",
    "translate_pairs",
    "translation_job",
    "verify",
    "verify_steps",
    "write_pairs",
    "write_paper_set",
    "write_report",
    "write_verified",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'polyvalues' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
