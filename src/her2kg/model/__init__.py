"""What a claim is: typed rows, closed vocabularies, IRIs and named questions."""
