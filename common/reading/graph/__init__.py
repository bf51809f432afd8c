"""A model as a graph, read off its source, and that graph as SVG."""
