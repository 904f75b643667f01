"""The Hugging Face hub: search, look closer, download. Nothing here runs before someone asks for it.

What the hub says is text of strangers: cut, printable, never HTML, and no more than a description. What counts is
checked: the size and checksum of every file, and the whole folder by the same checks as any other model.
"""

from engine.models.hub.details import Details, Finding, details
from engine.models.hub.download import download
from engine.models.hub.errors import Cancelled, HubError
from engine.models.hub.file import File
from engine.models.hub.search import Found, search

__all__ = ["Cancelled", "Details", "File", "Finding", "Found", "HubError", "details", "download", "search"]
