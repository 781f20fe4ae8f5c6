"""The account of a project: what all its runs took, by stage, week and tag, beside the run of the final model."""

from .entry import Entry
from .groups import Group
from .project import Project

__all__ = ["Entry", "Group", "Project"]
