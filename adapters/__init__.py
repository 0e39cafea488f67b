"""Where calls come from: what ties the plugins to a framework or the command line."""
