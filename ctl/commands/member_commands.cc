#include <CLI/CLI.hpp>
#include <memory>

#include "commands/bind.h"
#include "commands/commands.h"
#include "output/print.h"
#include "output/text.h"

namespace quorate::commands {
namespace {

struct MemberFlags {
  std::vector<std::string> words{};
  std::string peer_urls{};
  bool learner = false;
  std::string consistency = "l";
};

Result<MemberId> ParseMember(const std::vector<std::string>& words) {
  if (words.size() != 1) return Error{Code::kInvalidArgument, "member ID is not provided"};
  const auto id = ParseUint(words[0], 16);
  if (!id.ok()) {
    return Error{Code::kInvalidArgument,
                 "bad member ID arg (" + id.error().message + "), expecting ID in Hex"};
  }
  return MemberId{*id};
}

Result<std::vector<std::string>> ParseUrls(const std::string& list) {
  auto urls = output::Split(list, ',');
  for (const auto& url : urls) {
    const bool known = url.starts_with("http://") || url.starts_with("https://") ||
                       url.starts_with("unix://") || url.starts_with("unixs://");
    if (!known) {
      return Error{Code::kInvalidArgument,
                   "URL scheme must be http, https, unix, or unixs: " + url};
    }
  }
  return urls;
}

Exit Add(Session& session, const MemberFlags& flags) {
  if (flags.words.empty()) return Exit::BadArguments("member name not provided");
  if (flags.words.size() > 1) return Exit::BadArguments("too many arguments");
  if (flags.peer_urls.empty()) return Exit::BadArguments("member peer urls not provided");
  const auto urls = ParseUrls(flags.peer_urls);
  if (!urls.ok()) return Exit::Failed(urls.error());
  const auto client = session.Client();
  if (!client.ok()) return Exit::Failed(client.error());
  const auto response = (*client)->MemberAdd(*urls, flags.learner);
  if (!response.ok()) return Exit::Failed(response.error());
  return session.Show(output::PrintMemberAdd(session.style(), flags.words[0], *response));
}

Exit Remove(Session& session, const MemberFlags& flags) {
  const auto id = ParseMember(flags.words);
  if (!id.ok()) return Exit::BadArguments(id.error().message);
  const auto client = session.Client();
  if (!client.ok()) return Exit::Failed(client.error());
  const auto response = (*client)->MemberRemove(*id);
  if (!response.ok()) return Exit::Failed(response.error());
  return session.Show(output::PrintMemberRemove(session.style(), id->value, *response));
}

Exit Update(Session& session, const MemberFlags& flags) {
  const auto id = ParseMember(flags.words);
  if (!id.ok()) return Exit::BadArguments(id.error().message);
  if (flags.peer_urls.empty()) return Exit::BadArguments("member peer urls not provided");
  const auto client = session.Client();
  if (!client.ok()) return Exit::Failed(client.error());
  const auto response = (*client)->MemberUpdate(*id, output::Split(flags.peer_urls, ','));
  if (!response.ok()) return Exit::Failed(response.error());
  return session.Show(output::PrintMemberUpdate(session.style(), id->value, *response));
}

Exit Promote(Session& session, const MemberFlags& flags) {
  const auto id = ParseMember(flags.words);
  if (!id.ok()) return Exit::BadArguments(id.error().message);
  const auto client = session.Client();
  if (!client.ok()) return Exit::Failed(client.error());
  const auto response = (*client)->MemberPromote(*id);
  if (!response.ok()) return Exit::Failed(response.error());
  return session.Show(output::PrintMemberPromote(session.style(), id->value, *response));
}

Exit List(Session& session, const MemberFlags& flags) {
  if (flags.consistency != "l" && flags.consistency != "s") {
    return Exit::Fail(kExitBadFeature, "unknown consistency flag \"" + flags.consistency + "\"");
  }
  const auto client = session.Client();
  if (!client.ok()) return Exit::Failed(client.error());
  const auto response = (*client)->MemberList(flags.consistency == "l");
  if (!response.ok()) return Exit::Failed(response.error());
  return session.Show(output::PrintMembers(session.style(), *response));
}

}  // namespace

void AddMemberCommands(CLI::App& app, Session& session) {
  CLI::App* group = AddGroup(app, session, "member", "Membership related commands");
  auto flags = std::make_shared<MemberFlags>();

  CLI::App* add = group->add_subcommand("add", "Adds a member into the cluster");
  AddWords(*add, session, flags->words, "<memberName>",
           "the --name the member will be started with");
  add->add_option("--peer-urls", flags->peer_urls, "comma separated peer URLs of the new member");
  add->add_flag("--learner", flags->learner, "add it without a vote, to be promoted later");
  add->footer("Prints the environment to start the new member with.");
  Bind(*add, session, [flags](Session& s) { return Add(s, *flags); });

  CLI::App* remove = group->add_subcommand("remove", "Removes a member from the cluster");
  AddWords(*remove, session, flags->words, "<memberID>", "in hexadecimal");
  remove->footer(
      "The id never comes back: a member that returns is added anew, with an empty directory.");
  Bind(*remove, session, [flags](Session& s) { return Remove(s, *flags); });

  CLI::App* update = group->add_subcommand("update", "Updates a member in the cluster");
  AddWords(*update, session, flags->words, "<memberID>", "in hexadecimal");
  update->add_option("--peer-urls", flags->peer_urls, "comma separated peer URLs, all of them");
  Bind(*update, session, [flags](Session& s) { return Update(s, *flags); });

  CLI::App* promote =
      group->add_subcommand("promote", "Promotes a non-voting member in the cluster");
  AddWords(*promote, session, flags->words, "<memberID>", "in hexadecimal");
  Bind(*promote, session, [flags](Session& s) { return Promote(s, *flags); });

  CLI::App* list = group->add_subcommand("list", "Lists all members in the cluster");
  list->add_option("--consistency", flags->consistency,
                   "l: asked through the leader; s: one member's view");
  list->footer("Simple output: ID, Status, Name, Peer Addrs, Client Addrs, Is Learner.");
  Bind(*list, session, [flags](Session& s) { return List(s, *flags); });
}

}  // namespace quorate::commands
