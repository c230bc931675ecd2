# SPDX-License-Identifier: Apache-2.0
# Text files as C arrays, ended by NUL: src/cli/submit_site.py becomes ch_submit_site_py.
#
#   cmake -DOUT=embedded.c "-DFILES=a.py;b.py" -P embed.cmake
set(text "")
foreach(file IN LISTS FILES)
    cmake_path(GET file FILENAME name)
    string(MAKE_C_IDENTIFIER "${name}" name)
    file(READ "${file}" bytes HEX)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
    string(APPEND text "extern const char ch_${name}[];\nconst char ch_${name}[] = {${bytes}0};\n")
endforeach()
file(WRITE "${OUT}" "${text}")
