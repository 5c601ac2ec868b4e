// GoJson: messages as Go's encoding/json prints the structs of etcd's client.
//
// Names are the .proto's own, bytes are base64, every number is plain, enums are numbers, empty
// fields are left out, a oneof sits in an object named after it.
#pragma once

#include <google/protobuf/message.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace quorate::output {

std::string GoJson(const google::protobuf::Message& message);
// The members of GoJson without the braces; empty when every field is.
std::string GoJsonMembers(const google::protobuf::Message& message);

// With quotes; <, > and & escaped as Go does.
std::string JsonString(std::string_view text);

}  // namespace quorate::output
