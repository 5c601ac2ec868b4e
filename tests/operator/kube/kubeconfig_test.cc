#include <gtest/gtest.h>

#include "kube/config.h"
#include "sim/disk.h"

namespace quorate::kube {
namespace {

constexpr const char* kConfig = R"(
apiVersion: v1
kind: Config
current-context: here
clusters:
- name: local
  cluster:
    server: https://10.0.0.1:6443
    certificate-authority-data: Q0E=
- name: other
  cluster: {server: "https://other", insecure-skip-tls-verify: true, tls-server-name: api}
users:
- name: admin
  user:
    client-certificate: pki/admin.crt
    client-key: /abs/admin.key
- name: bearer
  user: {token: secret}
- name: plugin
  user:
    exec: {apiVersion: client.authentication.k8s.io/v1, command: aws}
contexts:
- name: here
  context: {cluster: local, user: admin, namespace: etcd}
- name: there
  context: {cluster: other, user: bearer}
- name: aws
  context: {cluster: local, user: plugin}
)";

class KubeconfigTest : public testing::Test {
 protected:
  void Write(const std::string& path, const std::string& text) {
    ASSERT_TRUE(disk_.MakeDirectories(io::ParentOf(path)).ok());
    ASSERT_TRUE(io::WriteFile(disk_, path, AsBytes(text)).ok());
  }
  sim::Disk disk_{1};
};

TEST_F(KubeconfigTest, TheCurrentContextSaysWhereAndWho) {
  const auto config = ParseKubeconfig(kConfig, "/home/me/.kube", "");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->server, "https://10.0.0.1:6443");
  EXPECT_EQ(config->ca.inline_text, "CA");
  EXPECT_EQ(config->client_certificate.file, "/home/me/.kube/pki/admin.crt");
  EXPECT_EQ(config->client_key.file, "/abs/admin.key");
  EXPECT_EQ(config->ns, "etcd");
}

TEST_F(KubeconfigTest, AnotherContextCanBeNamed) {
  const auto config = ParseKubeconfig(kConfig, "", "there");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->token.inline_text, "secret");
  EXPECT_TRUE(config->insecure_skip_tls_verify);
  EXPECT_EQ(config->tls_server_name, "api");
  EXPECT_EQ(config->ns, "default");
}

TEST_F(KubeconfigTest, CredentialPluginsAreRefusedWithAWayOut) {
  const auto config = ParseKubeconfig(kConfig, "", "aws");
  ASSERT_FALSE(config.ok());
  EXPECT_EQ(config.error().code, Code::kInvalidArgument);
  EXPECT_NE(config.error().message.find("user 'plugin'"), std::string::npos);
  EXPECT_NE(config.error().message.find("kubectl create token"), std::string::npos);
}

TEST_F(KubeconfigTest, MistakesAreNamed) {
  const auto message = [](const char* text, const std::string& context) {
    const auto config = ParseKubeconfig(text, "", context);
    return config.ok() ? std::string() : config.error().message;
  };
  EXPECT_NE(message(kConfig, "nowhere").find("aws, here, there"), std::string::npos);
  EXPECT_NE(message("just text", "").find("not a kubeconfig"), std::string::npos);
  EXPECT_NE(message("a: [", "").find("not a kubeconfig"), std::string::npos);
  EXPECT_NE(message("{contexts: [{name: a, context: {cluster: b}}], current-context: a}", "")
                .find("cluster 'b'"),
            std::string::npos);
  EXPECT_NE(message(R"({clusters: [{name: b,
                        cluster: {server: x, certificate-authority-data: "%"}}],
                        contexts: [{name: a, context: {cluster: b}}], current-context: a})",
                    "")
                .find("not base64"),
            std::string::npos);
}

TEST_F(KubeconfigTest, OfSeveralFilesTheFirstToNameAThingWins) {
  Write("/a/config", "{current-context: one, contexts: [{name: one, context: {cluster: c}}]}");
  Write("/b/config",
        "{current-context: two, clusters: [{name: c, cluster: {server: 'https://b', "
        "certificate-authority: ca.crt}}]}");
  const auto config = LoadConfig(disk_, {{"KUBECONFIG", "/missing:/a/config:/b/config"}}, "", "");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->server, "https://b");
  EXPECT_EQ(config->ca.file, "/b/ca.crt") << "relative to the file that names it";
}

TEST_F(KubeconfigTest, TheFlagWinsAndMustExist) {
  Write("/home/.kube/config", kConfig);
  EXPECT_TRUE(LoadConfig(disk_, {{"HOME", "/home"}}, "", "").ok());
  const auto missing = LoadConfig(disk_, {{"HOME", "/home"}}, "/nothing", "");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, Code::kNotFound);
}

TEST_F(KubeconfigTest, APodUsesItsServiceAccount) {
  Write("/sa/token", "abc");
  Write("/sa/namespace", "etcd-system");
  const Environment pod{{"KUBERNETES_SERVICE_HOST", "fd00::1"}, {"KUBERNETES_SERVICE_PORT", "443"}};
  const auto config = InClusterConfig(disk_, pod, "/sa");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->server, "https://[fd00::1]:443");
  EXPECT_EQ(config->token.file, "/sa/token");
  EXPECT_EQ(config->ca.file, "/sa/ca.crt");
  EXPECT_EQ(config->ns, "etcd-system");
}

TEST_F(KubeconfigTest, NothingAnywhereSaysWhatToGive) {
  const auto config = LoadConfig(disk_, {}, "", "");
  ASSERT_FALSE(config.ok());
  EXPECT_NE(config.error().message.find("--kubeconfig=FILE"), std::string::npos);
}

}  // namespace
}  // namespace quorate::kube
