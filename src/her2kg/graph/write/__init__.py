"""From graphs to the files of a build, and of tables to their description."""
