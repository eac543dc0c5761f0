"""A short name for how texts become token ids: what a model is given, apart from the texts.

The first 16 hex digits of a SHA-256 over the template with its arguments, what it makes of fixed conversations, their
token ids, and all that the tokenizer holds. Two models of the same weights with different chat templates, tokenizers or
special tokens have different names. So has one whose chat template prints another day.
"""

import hashlib
import json
from dataclasses import fields
from typing import Final

from polyvalues.models.fingerprint import tokenizer_name
from polyvalues.models.prompt_templates import Template

_PROBES: Final = (
    ("Is it fair? ", "Yes, it is."),
    ("", "  El pan, 面包 మరియు {input} \n\n %d {{ messages }} "),
)


def prompt_name(template: Template) -> str:
    """16 hex digits; the module's docstring says what changes them."""
    special = " ".join(map(str, template.tokenizer.all_special_tokens))
    probes = (*_PROBES, ("a ", f"{special} b"))
    own = {field.name: getattr(template, field.name) for field in fields(template)}
    del own["tokenizer"]
    if not template.prints_day:
        del own["day"]
    content = [
        own,
        template.source,
        [template.render(*probe) for probe in probes],
        template.encode(probes),
        tokenizer_name(template.tokenizer),
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode("utf-8", "replace")).hexdigest()[:16]
