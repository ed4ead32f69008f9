# Writes OUTPUT, which defines built_in_files() with the content of FOLDER/*.yaml and FOLDER/keys/*.asc.
# A literal may hold at least 65535 characters; recipes and keys are far below that.
file(GLOB files RELATIVE "${FOLDER}" "${FOLDER}/*.yaml" "${FOLDER}/keys/*.asc")
list(SORT files)
list(LENGTH files count)
set(text "#include \"ecosystem/tool/built_in_recipes.hpp\"\n\n#include <array>\n\nnamespace airlock::ecosystem::tool {\n\n")
string(APPEND text "namespace {\nconstexpr std::array<BuiltInFile, ${count}> k_files{{\n")
foreach(file ${files})
  file(READ "${FOLDER}/${file}" content)
  string(APPEND text "    {\"${file}\", R\"airlock(${content})airlock\"},\n")
endforeach()
string(APPEND text "}};\n}  // namespace\n\n")
string(APPEND text "std::span<const BuiltInFile> built_in_files() { return k_files; }\n\n}  // namespace airlock::ecosystem::tool\n")
file(WRITE "${OUTPUT}" "${text}")
