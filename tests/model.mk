# A model of what init and the engine say to each other, checked exhaustively by spin; sanitizers would add nothing.
EXTRA_DIST += tests/model/check tests/model/handshake.pml tests/model/program.pml
if !SANITIZERS
TESTS += tests/model/check
endif
