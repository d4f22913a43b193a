# What Ryuk does, in as few lines as a test needs: it holds a connection, is told a label, and removes the containers that
# bear it when the connection ends. https://github.com/testcontainers/moby-ryuk
use strict;
use warnings;
use IO::Socket::INET;
use IO::Socket::UNIX;

sub engine {
    my ($method, $path) = @_;
    my $socket = IO::Socket::UNIX->new(Peer => '/var/run/docker.sock') or die $!;
    print $socket "$method $path HTTP/1.0\r\nHost: engine\r\n\r\n";
    local $/;
    return scalar <$socket>;
}

$| = 1;
my $listener = IO::Socket::INET->new(LocalPort => 8080, Listen => 5, ReuseAddr => 1) or die $!;
print "Started!\n";
my $client = $listener->accept;
my $label = <$client> =~ s/^label=|\r?\n$//gr;
print $client "ACK\n";
1 while <$client>;
my $found = engine('GET', "/containers/json?all=1&filters=%7B%22label%22%3A%5B%22$label%22%5D%7D");
engine('DELETE', "/containers/$_?force=1&v=1") for $found =~ /"Id":"([0-9a-f]{64})"/g;
