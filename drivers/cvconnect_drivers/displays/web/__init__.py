"""A customer screen in a browser: a page that this process serves."""
