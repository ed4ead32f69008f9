# Every outside library is a Debian package; docs/decisions says why each is here.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(CURL REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(fmt REQUIRED)
find_package(CLI11 REQUIRED)
find_package(yaml-cpp REQUIRED)
pkg_check_modules(LibArchive REQUIRED IMPORTED_TARGET libarchive)
# Header-only use (Beast and Asio); the 1.81 package installs no CMake configuration of its own for it.
find_path(BOOST_BEAST_INCLUDE_DIR boost/beast/version.hpp REQUIRED)
