"""Grades a backend against an oracle.

oracle (what is right), bounds (how far off a result may be), cases (on which inputs), checks (what is asked), strict
(in strict float32), program (in any language), diff (where two backends differ), exercise (stubs to fill in); grading
and report are on top. No backend is imported before it is graded.
"""
