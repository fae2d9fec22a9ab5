"""The `cvconnect` command: for those who install tills and find out what is wrong with them."""
