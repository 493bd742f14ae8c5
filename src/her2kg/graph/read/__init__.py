"""From tables to records: the files of ``data/`` as they are, with every fault at its line."""
