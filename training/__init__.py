"""What the package ships is made here: the embedded model."""
