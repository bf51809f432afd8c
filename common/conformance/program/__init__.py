"""Programs in any language, graded by requests through files."""
