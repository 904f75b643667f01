"""The small world the bundled models are pretrained on, and whose past is known to the token.

Everything here is pure Python, seeded, and free of torch. `VERSION` names the world's content: it changes
when any generator changes what it makes, so that results of different worlds are never mixed.
"""

VERSION = "5"
