"""Multilingual value concepts in language models; names load when first used."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from polyvalues.analysis.consistency import consistency as consistency
    from polyvalues.analysis.followups.noise_robustness import noise_rows as noise_rows
    from polyvalues.analysis.hypothesis_tests.paired_differences import models_difference as models_difference
    from polyvalues.analysis.recognition import recognition as recognition
    from polyvalues.analysis.scoring.layer_selection import choose_layers as choose_layers
    from polyvalues.analysis.scoring.scoring import ScoreReducer as ScoreReducer
    from polyvalues.analysis.transfer import transfer as transfer
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
    from polyvalues.config import BudgetSpec as BudgetSpec
    from polyvalues.config import CheckSpec as CheckSpec
    from polyvalues.config import ControlSpec as ControlSpec
    from polyvalues.config import EngineSpec as EngineSpec
    from polyvalues.config import GenerationSpec as GenerationSpec
    from polyvalues.config import ModelSpec as ModelSpec
    from polyvalues.config import PairSource as PairSource
    from polyvalues.config import ReadingSpec as ReadingSpec
    from polyvalues.config import SplitSpec as SplitSpec
    from polyvalues.config import StatisticsSpec as StatisticsSpec
    from polyvalues.config import StudySpec as StudySpec
    from polyvalues.config import VectorSpec as VectorSpec
    from polyvalues.config import build as build
    from polyvalues.config.mvalue import MvalueSpec as MvalueSpec
    from polyvalues.config.toml import load_study_spec as load_study_spec
    from polyvalues.config.translation import QualitySpec as QualitySpec
    from polyvalues.config.translation import TranslateSpec as TranslateSpec
    from polyvalues.data.mirrored_items import related_items as related_items
    from polyvalues.data.pairs import make_pairs as make_pairs
    from polyvalues.data.pairs import read_pairs as read_pairs
    from polyvalues.data.perturbations import degrade as degrade
    from polyvalues.data.readers.registry import READERS as READERS
    from polyvalues.data.splits import split_pairs as split_pairs
    from polyvalues.data.summary import sample_pairs as sample_pairs
    from polyvalues.data.summary import summarise_pairs as summarise_pairs
    from polyvalues.data.text_table import text_table as text_table
    from polyvalues.data.validation import check_pairs as check_pairs
    from polyvalues.errors import PolyvaluesError as PolyvaluesError
    from polyvalues.experiments.divergence import find_divergence as find_divergence
    from polyvalues.experiments.model_comparison import Comparison as Comparison
    from polyvalues.experiments.model_comparison import compare_studies as compare_studies
    from polyvalues.experiments.model_comparison import difference_words as difference_words
    from polyvalues.experiments.noise import Damage as Damage
    from polyvalues.experiments.noise_run import measure_noise as measure_noise
    from polyvalues.experiments.paper_figures import PaperSet as PaperSet
    from polyvalues.experiments.paper_figures import paper_set as paper_set
    from polyvalues.experiments.paper_figures import write_paper_set as write_paper_set
    from polyvalues.experiments.pitfalls import Mistaken as Mistaken
    from polyvalues.experiments.pitfalls import measure_mistakes as measure_mistakes
    from polyvalues.experiments.steering.judge_factory import load_words as load_words
    from polyvalues.experiments.steering.run import Controlled as Controlled
    from polyvalues.experiments.steering.run import run_control as run_control
    from polyvalues.experiments.translation_quality import QualityFindings as QualityFindings
    from polyvalues.experiments.translation_quality import measure_quality as measure_quality
    from polyvalues.experiments.translation_quality import quality_beside as quality_beside
    from polyvalues.experiments.translation_quality import rate_study as rate_study
    from polyvalues.languages.catalog import known_languages as known_languages
    from polyvalues.languages.distances import distances as distances
    from polyvalues.models.extraction import record as record
    from polyvalues.models.language_model import ModelHandle as ModelHandle
    from polyvalues.models.language_model import load_model as load_model
    from polyvalues.models.presets import PRESETS as PRESETS
    from polyvalues.models.sentence_embeddings import load_embedder as load_embedder
    from polyvalues.mvalue.english_pairs import English as English
    from polyvalues.mvalue.english_pairs import build_english as build_english
    from polyvalues.mvalue.run import MVALUE_TARGETS as MVALUE_TARGETS
    from polyvalues.mvalue.run import build_mvalue as build_mvalue
    from polyvalues.mvalue.run import finish_mvalue as finish_mvalue
    from polyvalues.mvalue.run import mvalue_job as mvalue_job
    from polyvalues.simulation.suite import Verified as Verified
    from polyvalues.simulation.suite import verify as verify
    from polyvalues.simulation.suite import verify_steps as verify_steps
    from polyvalues.simulation.suite import write_verified as write_verified
    from polyvalues.steering.formats.hub import push_hub as push_hub
    from polyvalues.steering.generation import generate as generate
    from polyvalues.steering.hooks import apply_plan as apply_plan
    from polyvalues.steering.plan import Condition as Condition
    from polyvalues.steering.plan import Intervention as Intervention
    from polyvalues.steering.plan import Plan as Plan
    from polyvalues.steering.steerable import Steerable as Steerable
    from polyvalues.steering.weight_baking import bake_model as bake_model
    from polyvalues.storage.store import Store as Store
    from polyvalues.storage.store import write_pairs as write_pairs
    from polyvalues.study.json_summary import glance as glance
    from polyvalues.study.run import follow_study as follow_study
    from polyvalues.study.run import prepare_pairs as prepare_pairs
    from polyvalues.study.run import run_study as run_study
    from polyvalues.study.steering_vectors import export_vectors as export_vectors
    from polyvalues.study.steering_vectors import import_vectors as import_vectors
    from polyvalues.study.steering_vectors import steering_vectors as steering_vectors
    from polyvalues.study.study import Study as Study
    from polyvalues.study.study import findings_in_words as findings_in_words
    from polyvalues.study.study import load_study as load_study
    from polyvalues.study.study import study_figures as study_figures
    from polyvalues.study.study import write_report as write_report
    from polyvalues.translation.quality.calibration import calibrate_quality as calibrate_quality
    from polyvalues.translation.quality.metrics import TextQuality as TextQuality
    from polyvalues.translation.quality.metrics import measure_translations as measure_translations
    from polyvalues.translation.quality.outliers import doubts as doubts
    from polyvalues.translation.quality.pair_ratings import rate_pairs as rate_pairs
    from polyvalues.translation.quality.pair_ratings import summarise_rated as summarise_rated
    from polyvalues.translation.quality.quality_summary import drop_flagged as drop_flagged
    from polyvalues.translation.quality.quality_summary import summarise_quality as summarise_quality
    from polyvalues.translation.quality.quality_summary import table_csv as table_csv
    from polyvalues.translation.quality.ratings_file import read_quality as read_quality
    from polyvalues.translation.quality.run import rate_translations as rate_translations
    from polyvalues.translation.run import Translation as Translation
    from polyvalues.translation.run import TranslationJob as TranslationJob
    from polyvalues.translation.run import translate_pairs as translate_pairs
    from polyvalues.translation.run import translation_job as translation_job
    from polyvalues.vectors.accumulators.activations import ActivationsReducer as ActivationsReducer
    from polyvalues.vectors.accumulators.moments import MomentsReducer as MomentsReducer
    from polyvalues.vectors.fit import fit_vectors as fit_vectors
    from polyvalues.vectors.leave_fold_out import replicates as replicates

__version__ = "0.1.0"

_HOME = {
    "Activations": "polyvalues.artifacts",
    "ActivationsReducer": "polyvalues.vectors.accumulators.activations",
    "BudgetSpec": "polyvalues.config",
    "CheckSpec": "polyvalues.config",
    "Claims": "polyvalues.artifacts",
    "Comparison": "polyvalues.experiments.model_comparison",
    "ConceptVectors": "polyvalues.artifacts",
    "Condition": "polyvalues.steering.plan",
    "ControlSpec": "polyvalues.config",
    "Controlled": "polyvalues.experiments.steering.run",
    "Damage": "polyvalues.experiments.noise",
    "EngineSpec": "polyvalues.config",
    "English": "polyvalues.mvalue.english_pairs",
    "Findings": "polyvalues.artifacts",
    "GenerationSpec": "polyvalues.config",
    "Generations": "polyvalues.artifacts",
    "Intervention": "polyvalues.steering.plan",
    "Judged": "polyvalues.artifacts",
    "LayerChoice": "polyvalues.artifacts",
    "MVALUE_TARGETS": "polyvalues.mvalue.run",
    "Mistaken": "polyvalues.experiments.pitfalls",
    "ModelHandle": "polyvalues.models.language_model",
    "ModelSpec": "polyvalues.config",
    "Moments": "polyvalues.artifacts",
    "MomentsReducer": "polyvalues.vectors.accumulators.moments",
    "MvalueSpec": "polyvalues.config.mvalue",
    "PRESETS": "polyvalues.models.presets",
    "PairSet": "polyvalues.artifacts",
    "PairSource": "polyvalues.config",
    "PaperSet": "polyvalues.experiments.paper_figures",
    "Plan": "polyvalues.steering.plan",
    "PolyvaluesError": "polyvalues.errors",
    "QualitySpec": "polyvalues.config.translation",
    "READERS": "polyvalues.data.readers.registry",
    "ReadingSpec": "polyvalues.config",
    "Replicates": "polyvalues.artifacts",
    "ScoreReducer": "polyvalues.analysis.scoring.scoring",
    "Scores": "polyvalues.artifacts",
    "SplitSpec": "polyvalues.config",
    "StatisticsSpec": "polyvalues.config",
    "Steerable": "polyvalues.steering.steerable",
    "SteeringVectors": "polyvalues.artifacts",
    "Store": "polyvalues.storage.store",
    "Study": "polyvalues.study.study",
    "StudySpec": "polyvalues.config",
    "TextQuality": "polyvalues.translation.quality.metrics",
    "TextTable": "polyvalues.artifacts",
    "TranslateSpec": "polyvalues.config.translation",
    "Translation": "polyvalues.translation.run",
    "TranslationJob": "polyvalues.translation.run",
    "VectorSpec": "polyvalues.config",
    "Verified": "polyvalues.simulation.suite",
    "bake_model": "polyvalues.steering.weight_baking",
    "build": "polyvalues.config",
    "build_english": "polyvalues.mvalue.english_pairs",
    "build_mvalue": "polyvalues.mvalue.run",
    "calibrate_quality": "polyvalues.translation.quality.calibration",
    "check_pairs": "polyvalues.data.validation",
    "choose_layers": "polyvalues.analysis.scoring.layer_selection",
    "compare_studies": "polyvalues.experiments.model_comparison",
    "consistency": "polyvalues.analysis.consistency",
    "degrade": "polyvalues.data.perturbations",
    "difference_words": "polyvalues.experiments.model_comparison",
    "distances": "polyvalues.languages.distances",
    "doubts": "polyvalues.translation.quality.outliers",
    "drop_flagged": "polyvalues.translation.quality.quality_summary",
    "export_vectors": "polyvalues.study.steering_vectors",
    "find_divergence": "polyvalues.experiments.divergence",
    "findings_in_words": "polyvalues.study.study",
    "finish_mvalue": "polyvalues.mvalue.run",
    "fit_vectors": "polyvalues.vectors.fit",
    "follow_study": "polyvalues.study.run",
    "generate": "polyvalues.steering.generation",
    "glance": "polyvalues.study.json_summary",
    "import_vectors": "polyvalues.study.steering_vectors",
    "known_languages": "polyvalues.languages.catalog",
    "load_embedder": "polyvalues.models.sentence_embeddings",
    "load_model": "polyvalues.models.language_model",
    "load_study": "polyvalues.study.study",
    "load_study_spec": "polyvalues.config.toml",
    "load_words": "polyvalues.experiments.steering.judge_factory",
    "make_pairs": "polyvalues.data.pairs",
    "measure_mistakes": "polyvalues.experiments.pitfalls",
    "measure_noise": "polyvalues.experiments.noise_run",
    "measure_quality": "polyvalues.experiments.translation_quality",
    "QualityFindings": "polyvalues.experiments.translation_quality",
    "quality_beside": "polyvalues.experiments.translation_quality",
    "rate_study": "polyvalues.experiments.translation_quality",
    "rate_pairs": "polyvalues.translation.quality.pair_ratings",
    "summarise_rated": "polyvalues.translation.quality.pair_ratings",
    "measure_translations": "polyvalues.translation.quality.metrics",
    "models_difference": "polyvalues.analysis.hypothesis_tests.paired_differences",
    "mvalue_job": "polyvalues.mvalue.run",
    "noise_rows": "polyvalues.analysis.followups.noise_robustness",
    "paper_set": "polyvalues.experiments.paper_figures",
    "prepare_pairs": "polyvalues.study.run",
    "push_hub": "polyvalues.steering.formats.hub",
    "rate_translations": "polyvalues.translation.quality.run",
    "read_pairs": "polyvalues.data.pairs",
    "related_items": "polyvalues.data.mirrored_items",
    "read_quality": "polyvalues.translation.quality.ratings_file",
    "recognition": "polyvalues.analysis.recognition",
    "record": "polyvalues.models.extraction",
    "replicates": "polyvalues.vectors.leave_fold_out",
    "run_control": "polyvalues.experiments.steering.run",
    "run_study": "polyvalues.study.run",
    "sample_pairs": "polyvalues.data.summary",
    "split_pairs": "polyvalues.data.splits",
    "apply_plan": "polyvalues.steering.hooks",
    "steering_vectors": "polyvalues.study.steering_vectors",
    "study_figures": "polyvalues.study.study",
    "summarise_pairs": "polyvalues.data.summary",
    "summarise_quality": "polyvalues.translation.quality.quality_summary",
    "table_csv": "polyvalues.translation.quality.quality_summary",
    "text_table": "polyvalues.data.text_table",
    "transfer": "polyvalues.analysis.transfer",
    "translate_pairs": "polyvalues.translation.run",
    "translation_job": "polyvalues.translation.run",
    "verify": "polyvalues.simulation.suite",
    "verify_steps": "polyvalues.simulation.suite",
    "write_pairs": "polyvalues.storage.store",
    "write_paper_set": "polyvalues.experiments.paper_figures",
    "write_report": "polyvalues.study.study",
    "write_verified": "polyvalues.simulation.suite",
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
    "apply_plan",
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
