# R's package SPARQL asks a SELECT in each of its formats. Arguments: the endpoint, the query.
# Prints a line for each format: its name, then the cells of the only row, parted by tabs.
suppressPackageStartupMessages(library(SPARQL))
words <- commandArgs(TRUE)

ask <- function(name, ...) {
  cells <- as.character(unlist(SPARQL(words[1], words[2], ...)$results))
  cat(paste(c(name, cells), collapse = "\t"), "\n", sep = "")
}

ask("default")
ask("xml", format = "xml", extra = list(output = "xml"))
ask("csv", format = "csv", extra = list(format = "csv"))
ask("tsv", format = "tsv", extra = list(format = "tsv"))
