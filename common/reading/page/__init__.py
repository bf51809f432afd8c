"""The pages of the site: operations, graphs, the worked example, prose."""
