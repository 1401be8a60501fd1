"""The book's own small Sphinx extension: clean pages, quiet kernels, numbers and links that a reader expects."""

from __future__ import annotations

import os
from importlib import import_module


def clean_scripts(app, pagename, templatename, context, doctree):
    """Keep each script once, and none of Thebe's: pages have no live kernel, and its second copy throws an error."""
    seen, kept = set(), []
    for js in context.get("script_files", []):
        attributes = getattr(js, "attributes", {})
        key = (str(getattr(js, "filename", js)), repr(sorted(attributes.items())))
        if key in seen or "thebe" in (key[0] + key[1]).lower():
            continue
        seen.add(key)
        kept.append(js)
    context["script_files"] = kept


def number_by_chapter(app, env):
    """Number equations, figures and theorems as chapter.place: (3.7), Fig. 3.2, Theorem 3.1; E3.1 among the exercises.

    Sphinx counts through the whole book, or by its own section numbers, which cannot leave gaps as this course's
    chapters do. So a number stays when another chapter is added.
    """
    for docname, kinds in env.toc_fignumbers.items():
        folder, _, stem = docname.rpartition("/")
        chapter = str(int(stem[:2])) if stem[:2].isdigit() else stem[0].upper()
        prefix = f"E{chapter}" if folder == "solutions" else chapter
        for kind, numbers in kinds.items():
            order = sorted(numbers, key=numbers.get)
            kinds[kind] = {label: (prefix, place) for place, label in enumerate(order, 1)}
    return []


def labels_as_anchors(app, env):
    """Let `[text](../book/03_coupling_layers.ipynb#log-det)` find the label `(log-det)=`, not only a heading's slug.

    Written so, a link also opens the right notebook in Jupyter, which knows nothing of labels.
    """
    for label, (docname, node_id, title) in env.get_domain("std").labels.items():
        env.metadata[docname].setdefault("myst_slugs", {}).setdefault(label, (None, node_id, title))


def package_names(app, env, node, contnode):
    """Resolve `nf_course.Flow`, documented where it is defined, as `nf_course.flow.Flow`.

    A name that exists but has no entry (a private base class, a type variable) stays plain text; one that does not
    exist falls through and becomes a warning.
    """
    module, _, name = node.get("reftarget", "").rpartition(".")
    if node.get("refdomain") != "py" or module.split(".")[0] != "nf_course":
        return None
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError):
        return None
    home = f"{getattr(found, '__module__', '')}.{getattr(found, '__qualname__', '')}"
    link = env.get_domain("py").resolve_xref(env, node["refdoc"], app.builder, node["reftype"], home, node, contnode)
    return link or contnode


def setup(app):
    """Called by Sphinx; the kernels it starts inherit the environment."""
    os.environ.setdefault("NF_COURSE_PROGRESS", "off")
    os.environ.setdefault("NF_COURSE_PROGRESS_FILE", "off")
    os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")
    app.connect("html-page-context", clean_scripts, priority=900)
    app.connect("env-get-updated", number_by_chapter, priority=900)  # after Sphinx has numbered
    app.connect("env-updated", labels_as_anchors)
    app.connect("missing-reference", package_names)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
