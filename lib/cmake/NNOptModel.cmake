# nnopt_add_model(TARGET MODEL [OPTIONS option...])
#
# Compiles MODEL (.onnx, .mlir) with nnopt-compile into a static library TARGET, whose header is TARGET.h and whose functions are TARGET_plan,
# TARGET_run and TARGET_info. Targets that link it can include the header, and link what the model needs (libm, an OpenMP runtime).
# OPTIONS go to nnopt-compile, for instance --threads=0 or --march=avx2,avx512. When cross-compiling, --target is added.
#
#   find_package(NNOpt REQUIRED)
#   nnopt_add_model(classifier classifier.onnx)
#   target_link_libraries(program PRIVATE classifier)
function(nnopt_add_model target model)
  cmake_parse_arguments(ARG "" "" "OPTIONS" ${ARGN})
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "nnopt_add_model(${target}): unknown arguments ${ARG_UNPARSED_ARGUMENTS}")
  endif()
  set(compiler nnopt-compile)
  if(TARGET NNOpt::nnopt-compile)
    set(compiler NNOpt::nnopt-compile)
  endif()
  if(CMAKE_CROSSCOMPILING AND NOT "${ARG_OPTIONS}" MATCHES "--target")
    list(APPEND ARG_OPTIONS --target=${CMAKE_SYSTEM_PROCESSOR}-linux-gnu)
  endif()

  get_filename_component(source ${model} ABSOLUTE)
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/${target}.model)
  file(MAKE_DIRECTORY ${folder})
  add_custom_command(OUTPUT ${folder}/${target}.o ${folder}/${target}.h
    COMMAND ${compiler} ${source} -o ${folder}/${target}.o ${ARG_OPTIONS}
    DEPENDS ${source} $<TARGET_FILE:${compiler}>
    COMMENT "Compiling the model ${model}" VERBATIM)
  add_library(${target} STATIC ${folder}/${target}.o ${folder}/${target}.h)
  set_source_files_properties(${folder}/${target}.o PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
  set_target_properties(${target} PROPERTIES LINKER_LANGUAGE C)
  target_include_directories(${target} INTERFACE ${folder})
  target_link_libraries(${target} INTERFACE m)
  if(NOT "${ARG_OPTIONS}" MATCHES "--threads=0")
    find_package(OpenMP QUIET COMPONENTS C)
    if(OpenMP_C_FOUND)
      target_link_libraries(${target} INTERFACE ${OpenMP_C_LIBRARIES})
    else()
      target_link_libraries(${target} INTERFACE gomp)
    endif()
  endif()
endfunction()
