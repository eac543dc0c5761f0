"""How results are kept on disk: a store of artefacts with keys, and a journal."""
