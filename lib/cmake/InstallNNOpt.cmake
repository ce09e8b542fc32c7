# What `cmake --install` puts beside the tools and libraries: headers, and the package file that find_package(NNOpt) reads.
include(CMakePackageConfigHelpers)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/nnopt ${PROJECT_BINARY_DIR}/include/nnopt DESTINATION include COMPONENT development
  FILES_MATCHING PATTERN "*.h" PATTERN "*.td" PATTERN "*.inc" PATTERN "CMakeFiles" EXCLUDE)

get_property(NNOPT_LIBS GLOBAL PROPERTY NNOPT_LIBS)
set(package_folder lib/cmake/NNOpt)
configure_package_config_file(${PROJECT_SOURCE_DIR}/lib/cmake/NNOptConfig.cmake.in ${PROJECT_BINARY_DIR}/NNOptConfig.cmake
  INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/NNOptConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/NNOptConfig.cmake ${PROJECT_BINARY_DIR}/NNOptConfigVersion.cmake
  ${PROJECT_SOURCE_DIR}/lib/cmake/NNOptModel.cmake DESTINATION ${package_folder} COMPONENT development)
install(EXPORT NNOptTargets NAMESPACE NNOpt:: DESTINATION ${package_folder} COMPONENT development)
