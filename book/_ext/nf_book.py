"""The book's own small Sphinx extension: clean pages, quiet kernels, numbers and links that a reader expects."""

from __future__ import annotations

import os
from importlib import import_module

from docutils import nodes
from nf_api import quieten
from nf_cards import Chapter
from nf_links import add_tools, check_repository, copy_exercises
from nf_map import CourseMap, course_map, draw_maps
from nf_pictures import lighten_all, mark_panels
from nf_status import Status
from nf_terms import add_terms
from sphinx.transforms.post_transforms import SphinxPostTransform

WIDGET = "application/vnd.jupyter.widget-view+json"


class StillWithoutScripts(SphinxPostTransform):
    """Where a reader has no JavaScript, show a moving figure's still picture, which its output carries beside it.

    A builder that knows no widgets, such as LaTeX's, takes the picture by itself.
    """

    default_priority = 3  # before myst-nb keeps one form of every output, and drops the others
    formats = ("html",)

    def run(self, **kwargs):
        """Copy the picture into a noscript element behind the widget."""
        for bundle in self.document.findall(nodes.container):
            forms = {child.get("mime_type"): child for child in bundle.children if isinstance(child, nodes.container)}
            if bundle.get("nb_element") != "mime_bundle" or not {WIDGET, "image/png"} <= set(forms):
                continue
            picture = [child.deepcopy() for child in forms["image/png"].children]
            for image in (image for node in picture for image in node.findall(nodes.image)):
                image["alt"] = forms["text/plain"].astext().strip()
            forms[WIDGET] += [nodes.raw("", "<noscript>", format="html"), *picture]
            forms[WIDGET] += nodes.raw("", "</noscript>", format="html")


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


def whole_width(app, pagename, templatename, context, doctree):
    """The cover has no table of contents of its own, and uses its place, with a few rules of its own."""
    if pagename == app.config.root_doc:
        app.add_css_file("nf-cover.css")  # called from here, for this page alone
        context["meta"] = {**(context.get("meta") or {}), "html_theme.sidebar_secondary.remove": True}


def few_buttons(app, config):
    """Above a page stays the switch of colours alone: what to download stands below the title, in plain words."""
    for button in ("use_download_button", "use_fullscreen_button"):
        config.html_theme_options.setdefault(button, False)


def setup(app):
    """Called by Sphinx; the kernels it starts inherit the environment."""
    os.environ.setdefault("NF_COURSE_PROGRESS", "off")
    os.environ.setdefault("NF_COURSE_PROGRESS_FILE", "off")
    os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")
    app.add_post_transform(StillWithoutScripts)
    app.add_directive("chapter", Chapter)
    app.add_directive("status", Status)
    app.add_node(course_map)
    app.add_directive("course-map", CourseMap)
    app.connect("config-inited", check_repository)
    app.connect("config-inited", few_buttons, priority=100)  # before the theme reads its options
    app.connect("doctree-resolved", mark_panels)
    app.connect("doctree-resolved", add_terms)
    app.connect("doctree-resolved", draw_maps)
    app.connect("html-page-context", whole_width)
    app.connect("html-page-context", add_tools)
    app.connect("build-finished", lighten_all)
    app.connect("build-finished", copy_exercises)
    app.connect("html-page-context", quieten, priority=800)  # after the links are made
    app.connect("html-page-context", clean_scripts, priority=900)
    app.connect("env-get-updated", number_by_chapter, priority=900)  # after Sphinx has numbered
    app.connect("env-updated", labels_as_anchors)
    app.connect("missing-reference", package_names)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
