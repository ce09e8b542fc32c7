# cmake -DINPUT=file -DOUTPUT=file.inc -P EmbedFile.cmake: the bytes of a file as the contents of a C array.
file(READ ${INPUT} bytes HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
string(REGEX REPLACE "(................................................................................)" "\\1\n" bytes "${bytes}")
string(REGEX REPLACE ",\n?$" "" bytes "${bytes}")
file(WRITE ${OUTPUT} "${bytes}\n")
